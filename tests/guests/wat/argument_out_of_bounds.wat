;; Gives the host bytes that are not in its memory.
(import "temporal:codec/wire@1.0.0" "unmarshal" (func $unmarshal (param i32 i32 i32)))
(func $code (param $payloads i32) (param $count i32) (result i32)
  (call $unmarshal (i32.const 0x7fffff00) (i32.const 1000) (i32.const 128))
  (call $answer (local.get $payloads) (local.get $count)))

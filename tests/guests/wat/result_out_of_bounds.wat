;; Wants a result of the host where there is no memory.
(import "temporal:codec/wire@1.0.0" "unmarshal" (func $unmarshal (param i32 i32 i32)))
(func $code (param $payloads i32) (param $count i32) (result i32)
  (call $unmarshal (i32.const 0) (i32.const 0) (i32.const 0xfffffff0))
  (call $answer (local.get $payloads) (local.get $count)))

;; Asks for a key by an id that is not UTF-8.
(import "temporal:codec/keyring@1.0.0" "find" (func $find (param i32 i32 i32)))
(data (i32.const 64) "\ff\fe")
(func $code (param $payloads i32) (param $count i32) (result i32)
  (call $find (i32.const 64) (i32.const 2) (i32.const 128))
  (call $answer (local.get $payloads) (local.get $count)))

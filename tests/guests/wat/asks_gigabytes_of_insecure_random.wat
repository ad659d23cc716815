;; Asks for four gigabytes of random bytes that need not be secure.
(import "wasi:random/insecure@0.2.0" "get-insecure-random-bytes" (func $random (param i64 i32)))
(func $code (param $payloads i32) (param $count i32) (result i32)
  (call $random (i64.const 4000000000) (i32.const 128))
  (call $answer (local.get $payloads) (local.get $count)))

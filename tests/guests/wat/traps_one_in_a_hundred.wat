;; Traps one time in a hundred.
(import "wasi:random/random@0.2.0" "get-random-u64" (func $random (result i64)))
(func $code (param $payloads i32) (param $count i32) (result i32)
  (if (i64.eqz (i64.rem_u (call $random) (i64.const 100))) (then unreachable))
  (call $answer (local.get $payloads) (local.get $count)))

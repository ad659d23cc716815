;; Asks for as many random bytes as its data has bytes, one by one.
(import "wasi:random/random@0.2.0" "get-random-bytes" (func $random (param i64 i32)))
(func $code (param $payloads i32) (param $count i32) (result i32)
  (local $left i32)
  (local.set $left (i32.load offset=12 (local.get $payloads)))
  (loop $more
    (call $random (i64.const 1) (i32.const 128))
    (local.set $left (i32.sub (local.get $left) (i32.const 1)))
    (br_if $more (local.get $left)))
  (call $answer (local.get $payloads) (local.get $count)))

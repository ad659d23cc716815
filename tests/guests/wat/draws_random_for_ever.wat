;; Asks for random bytes for ever, as many at once as it may.
(import "wasi:random/random@0.2.0" "get-random-bytes" (func $random (param i64 i32)))
(global $heap (mut i32) (i32.const 1024))
(global $drawing (mut i32) (i32.const 0))
;; From then on all that the host hands over goes to the same place.
(func (export "cabi_realloc") (param $old i32) (param $had i32) (param $align i32) (param $size i32) (result i32)
  (local $block i32)
  (if (global.get $drawing) (then (return (i32.const 65536))))
  (local.set $block (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
  (global.set $heap (i32.add (local.get $block) (local.get $size)))
  (local.get $block))
(func $code (param $payloads i32) (param $count i32) (result i32)
  (drop (memory.grow (i32.const 1)))
  (global.set $drawing (i32.const 1))
  (loop $for-ever
    (call $random (i64.const 65536) (i32.const 128))
    (br $for-ever))
  unreachable)

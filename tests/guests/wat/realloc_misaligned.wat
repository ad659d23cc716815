;; Hands out memory at odd addresses.
(global $heap (mut i32) (i32.const 1024))
(func (export "cabi_realloc") (param $old i32) (param $had i32) (param $align i32) (param $size i32) (result i32)
  (local $block i32)
  ;; A list of one metadata entry.
  (if (i32.eq (local.get $size) (i32.const 16)) (then (return (i32.const 4097))))
  (local.set $block (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
  (global.set $heap (i32.add (local.get $block) (local.get $size)))
  (local.get $block))
(func $code (param $payloads i32) (param $count i32) (result i32)
  (call $answer (local.get $payloads) (local.get $count)))

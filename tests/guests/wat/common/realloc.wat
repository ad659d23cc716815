;; Hands out memory from $heap upwards, and grows it where it must.
(global $heap (mut i32) (i32.const 1024))
(func $allocate (param $size i32) (result i32)
  (local $block i32) (local $missing i32)
  (local.set $block (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
  (global.set $heap (i32.add (local.get $block) (local.get $size)))
  (local.set $missing
    (i32.sub
      (i32.shr_u (i32.add (global.get $heap) (i32.const 65535)) (i32.const 16))
      (memory.size)))
  (if (i32.gt_s (local.get $missing) (i32.const 0))
    (then (if (i32.eq (memory.grow (local.get $missing)) (i32.const -1)) (then unreachable))))
  (local.get $block))
(func (export "cabi_realloc") (param $old i32) (param $had i32) (param $align i32) (param $size i32) (result i32)
  (local $block i32)
  (local.set $block (call $allocate (local.get $size)))
  (memory.copy (local.get $block) (local.get $old) (local.get $had))
  (local.get $block))

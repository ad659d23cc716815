;; Has its payload sealed and opened, over and over, and gives the host room for what it asks for that
;; is partly where it reads from: before it, behind it, and at all that there is between.
;; world: guest-of-bytes
(import "temporal:codec/keyring@1.0.0" "seal-bytes"
  (func $seal (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
(import "temporal:codec/keyring@1.0.0" "open-bytes"
  (func $open (param i32 i32 i32 i32 i32 i32 i32)))
(data (i32.const 64) "context")
(data (i32.const 80) "head")
(global $heap (mut i32) (i32.const 1024))
;; Where whatever is as large as something sealed goes, and its length.
(global $place (mut i32) (i32.const 0))
(global $least (mut i32) (i32.const -1))
(func $allocate (param $size i32) (result i32)
  (local $block i32)
  (local.set $block (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
  (global.set $heap (i32.add (local.get $block) (local.get $size)))
  (local.get $block))
(func (export "cabi_realloc") (param $old i32) (param $had i32) (param $align i32) (param $size i32) (result i32)
  (if (i32.eq (local.get $size) (global.get $least)) (then (return (global.get $place))))
  (call $allocate (local.get $size)))
(func $code (param $payloads i32) (param $count i32) (result i32)
  (local $home i32) (local $from i32) (local $length i32) (local $shift i32)
  (local.set $length (i32.load offset=4 (local.get $payloads)))
  (local.set $home
    (i32.add (i32.const 4096) (call $allocate (i32.add (local.get $length) (i32.const 8192)))))
  (local.set $from (i32.load (local.get $payloads)))
  (local.set $shift (i32.const -90))
  (loop $again
    (memory.copy (local.get $home) (local.get $from) (local.get $length))
    ;; A head of four bytes, a nonce of twelve, and a tag of sixteen.
    (global.set $least (i32.add (local.get $length) (i32.const 32)))
    (global.set $place (i32.add (local.get $home) (local.get $shift)))
    (call $seal (i32.const 0) (i32.const 0) (i32.const 0) (local.get $home) (local.get $length)
      (i32.const 64) (i32.const 7) (i32.const 80) (i32.const 4) (i32.const 128))
    (if (i32.load8_u (i32.const 128)) (then unreachable))
    (if (i32.ne (i32.load (i32.const 140)) (global.get $place)) (then unreachable))
    (if (i32.ne (i32.load (global.get $place)) (i32.load (i32.const 80))) (then unreachable))
    ;; Back to the other side of it.
    (global.set $least (local.get $length))
    (global.set $place
      (i32.sub (i32.add (global.get $place) (i32.const 16)) (local.get $shift)))
    (call $open (i32.load (i32.const 132)) (i32.load (i32.const 136))
      (i32.add (i32.load (i32.const 140)) (i32.const 4)) (i32.sub (i32.load (i32.const 144)) (i32.const 4))
      (i32.const 64) (i32.const 7) (i32.const 128))
    (if (i32.load8_u (i32.const 128)) (then unreachable))
    (if (i32.ne (i32.load (i32.const 132)) (global.get $place)) (then unreachable))
    (local.set $from (global.get $place))
    (local.set $shift (i32.add (local.get $shift) (i32.const 1)))
    (br_if $again (i32.le_s (local.get $shift) (i32.const 90))))
  (i32.store (i32.const 160) (local.get $from))
  (i32.store (i32.const 164) (local.get $length))
  (call $answer (i32.const 160) (i32.const 1)))

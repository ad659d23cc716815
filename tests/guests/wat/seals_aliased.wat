;; Has the host seal the same twenty kilobytes a thousand times with one call, again and again.
(import "temporal:codec/keyring@1.0.0" "seal-each" (func $seal (param i32 i32 i32 i32 i32 i32)))
(func $code (param $payloads i32) (param $count i32) (result i32)
  (local $list i32) (local $at i32)
  (local.set $list (call $allocate (i32.const 16000)))
  (local.set $at (local.get $list))
  (loop $next
    (i32.store (local.get $at) (i32.const 2048))
    (i32.store offset=4 (local.get $at) (i32.const 20000))
    (local.set $at (i32.add (local.get $at) (i32.const 16)))
    (br_if $next (i32.lt_u (local.get $at) (i32.add (local.get $list) (i32.const 16000)))))
  (loop $for-ever
    (call $seal (i32.const 0) (i32.const 0) (i32.const 0) (local.get $list) (i32.const 1000) (i32.const 128))
    (br $for-ever))
  unreachable)

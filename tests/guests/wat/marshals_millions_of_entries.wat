;; Has the host marshal a payload of a million and a half metadata entries, again and again.
(import "temporal:codec/wire@1.0.0" "marshal" (func $marshal (param i32 i32 i32 i32 i32 i32 i32)))
(func $code (param $payloads i32) (param $count i32) (result i32)
  (local $entries i32) (local $at i32) (local $keys i32) (local $number i32)
  (local.set $entries (call $allocate (i32.const 24000000)))
  (local.set $keys (call $allocate (i32.const 6000000)))
  (loop $more
    (local.set $at (i32.add (local.get $keys) (i32.shl (local.get $number) (i32.const 2))))
    ;; A key of four letters: the number, in base 64 from '0'.
    (i32.store offset=0 (local.get $at)
      (i32.or
        (i32.or
          (i32.add (i32.and (local.get $number) (i32.const 63)) (i32.const 0x30))
          (i32.shl (i32.add (i32.and (i32.shr_u (local.get $number) (i32.const 6)) (i32.const 63)) (i32.const 0x30)) (i32.const 8)))
        (i32.or
          (i32.shl (i32.add (i32.and (i32.shr_u (local.get $number) (i32.const 12)) (i32.const 63)) (i32.const 0x30)) (i32.const 16))
          (i32.shl (i32.add (i32.and (i32.shr_u (local.get $number) (i32.const 18)) (i32.const 63)) (i32.const 0x30)) (i32.const 24)))))
    (i32.store (i32.add (local.get $entries) (i32.shl (local.get $number) (i32.const 4))) (local.get $at))
    (i32.store offset=4 (i32.add (local.get $entries) (i32.shl (local.get $number) (i32.const 4))) (i32.const 4))
    (local.set $number (i32.add (local.get $number) (i32.const 1)))
    (br_if $more (i32.lt_u (local.get $number) (i32.const 1500000))))
  (loop $for-ever
    (call $marshal (local.get $entries) (i32.const 1500000) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 128))
    (br $for-ever))
  unreachable)

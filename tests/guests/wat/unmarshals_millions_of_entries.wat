;; Has the host unmarshal sixty megabytes that expand into seven million metadata entries.
(import "temporal:codec/wire@1.0.0" "unmarshal" (func $unmarshal (param i32 i32 i32)))
(func $code (param $payloads i32) (param $count i32) (result i32)
  (local $bytes i32) (local $at i32) (local $number i32)
  (local.set $bytes (call $allocate (i32.const 60000000)))
  (local.set $at (local.get $bytes))
  (loop $more
    (i32.store (local.get $at) (i32.const 0x040a060a))
    ;; A key of four letters: the number, in base 64 from '0'.
    (i32.store offset=4 (local.get $at)
      (i32.or
        (i32.or
          (i32.add (i32.and (local.get $number) (i32.const 63)) (i32.const 0x30))
          (i32.shl (i32.add (i32.and (i32.shr_u (local.get $number) (i32.const 6)) (i32.const 63)) (i32.const 0x30)) (i32.const 8)))
        (i32.or
          (i32.shl (i32.add (i32.and (i32.shr_u (local.get $number) (i32.const 12)) (i32.const 63)) (i32.const 0x30)) (i32.const 16))
          (i32.shl (i32.add (i32.and (i32.shr_u (local.get $number) (i32.const 18)) (i32.const 63)) (i32.const 0x30)) (i32.const 24)))))
    (local.set $at (i32.add (local.get $at) (i32.const 8)))
    (local.set $number (i32.add (local.get $number) (i32.const 1)))
    (br_if $more (i32.lt_u (local.get $at) (i32.add (local.get $bytes) (i32.const 60000000)))))
  (loop $for-ever
    (call $unmarshal (local.get $bytes) (i32.const 60000000) (i32.const 128))
    (br $for-ever))
  unreachable)

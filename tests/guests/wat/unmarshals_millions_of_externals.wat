;; Has the host unmarshal sixty megabytes that expand into thirty million external payloads.
(import "temporal:codec/wire@1.0.0" "unmarshal" (func $unmarshal (param i32 i32 i32)))
(func $code (param $payloads i32) (param $count i32) (result i32)
  (local $bytes i32) (local $at i32)
  (local.set $bytes (call $allocate (i32.const 60000000)))
  (local.set $at (local.get $bytes))
  (loop $more
    (i64.store (local.get $at) (i64.const 0x001a001a001a001a))
    (local.set $at (i32.add (local.get $at) (i32.const 8)))
    (br_if $more (i32.lt_u (local.get $at) (i32.add (local.get $bytes) (i32.const 60000000)))))
  (loop $for-ever
    (call $unmarshal (local.get $bytes) (i32.const 60000000) (i32.const 128))
    (br $for-ever))
  unreachable)

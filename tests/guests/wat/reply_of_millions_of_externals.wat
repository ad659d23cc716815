;; Answers a payload with seven million external payloads of the most digits.
(func $code (param $payloads i32) (param $count i32) (result i32)
  (local $list i32) (local $at i32)
  (local.set $list (call $allocate (i32.const 56000000)))
  (local.set $at (local.get $list))
  (loop $more
    (i64.store (local.get $at) (i64.const 0x8000000000000000))
    (local.set $at (i32.add (local.get $at) (i32.const 8)))
    (br_if $more (i32.lt_u (local.get $at) (i32.add (local.get $list) (i32.const 56000000)))))
  (i32.store offset=16 (local.get $payloads) (local.get $list))
  (i32.store offset=20 (local.get $payloads) (i32.const 7000000))
  (call $answer (local.get $payloads) (local.get $count)))

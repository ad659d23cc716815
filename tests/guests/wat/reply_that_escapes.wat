;; Answers a metadata key of sixty million control characters, which JSON writes in six bytes each.
(func $code (param $payloads i32) (param $count i32) (result i32)
  (local $key i32)
  (local.set $key (call $allocate (i32.const 60000000)))
  (i32.store (i32.load (local.get $payloads)) (local.get $key))
  (i32.store offset=4 (i32.load (local.get $payloads)) (i32.const 60000000))
  (call $answer (local.get $payloads) (local.get $count)))

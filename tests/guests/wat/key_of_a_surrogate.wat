;; Answers a metadata key with a lone surrogate in it.
(data (i32.const 64) "\ed\a0\80")
(func $code (param $payloads i32) (param $count i32) (result i32)
  (i32.store (i32.load (local.get $payloads)) (i32.const 64))
  (i32.store offset=4 (i32.load (local.get $payloads)) (i32.const 3))
  (call $answer (local.get $payloads) (local.get $count)))

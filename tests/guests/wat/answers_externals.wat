;; Answers as many external payloads as its data has bytes.
(func $code (param $payloads i32) (param $count i32) (result i32)
  (i32.store offset=16 (local.get $payloads)
    (call $allocate (i32.mul (i32.load offset=12 (local.get $payloads)) (i32.const 8))))
  (i32.store offset=20 (local.get $payloads) (i32.load offset=12 (local.get $payloads)))
  (call $answer (local.get $payloads) (local.get $count)))

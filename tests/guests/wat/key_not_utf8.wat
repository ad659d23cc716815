;; Answers a metadata key that is not UTF-8.
(func $code (param $payloads i32) (param $count i32) (result i32)
  (i32.store8 (i32.load (i32.load (local.get $payloads))) (i32.const 0xff))
  (call $answer (local.get $payloads) (local.get $count)))

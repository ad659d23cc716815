;; Answers neither success nor failure, but a third thing.
(func $code (param $payloads i32) (param $count i32) (result i32)
  (drop (call $answer (local.get $payloads) (local.get $count)))
  (i32.store8 (i32.const 16) (i32.const 2))
  (i32.const 16))

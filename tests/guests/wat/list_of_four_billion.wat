;; Answers a list of 2³² − 1 payloads.
(func $code (param $payloads i32) (param $count i32) (result i32)
  (call $answer (local.get $payloads) (i32.const -1)))

;; Answers a payload with a million and a half metadata entries, all of them empty.
(func $code (param $payloads i32) (param $count i32) (result i32)
  (i32.store (local.get $payloads) (call $allocate (i32.const 24000000)))
  (i32.store offset=4 (local.get $payloads) (i32.const 1500000))
  (call $answer (local.get $payloads) (local.get $count)))

;; Answers bytes that lie beyond its memory.
;; world: guest-of-bytes
(func $code (param $payloads i32) (param $count i32) (result i32)
  (i32.store (local.get $payloads) (i32.const 131070))
  (i32.store offset=4 (local.get $payloads) (i32.const 3))
  (call $answer (local.get $payloads) (local.get $count)))

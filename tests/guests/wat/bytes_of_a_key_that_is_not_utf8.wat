;; Answers a payload with a key that is half of a character.
;; world: guest-of-bytes
(data (i32.const 64) "\0a\03\0a\01\c3")
(func $code (param $payloads i32) (param $count i32) (result i32)
  (i32.store (local.get $payloads) (i32.const 64))
  (i32.store offset=4 (local.get $payloads) (i32.const 5))
  (call $answer (local.get $payloads) (local.get $count)))

;; Answers bytes that are not a payload: a field that is longer than they are.
;; world: guest-of-bytes
(data (i32.const 64) "\12\05abc")
(func $code (param $payloads i32) (param $count i32) (result i32)
  (i32.store (local.get $payloads) (i32.const 64))
  (i32.store offset=4 (local.get $payloads) (i32.const 5))
  (call $answer (local.get $payloads) (local.get $count)))

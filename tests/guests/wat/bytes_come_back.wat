;; Answers what it was given, as bytes, if they are where it said, also where there are none.
;; world: guest-of-bytes
(func $code (param $payloads i32) (param $count i32) (result i32)
  (if (i32.lt_u (i32.load (local.get $payloads)) (i32.const 1024)) (then unreachable))
  (call $answer (local.get $payloads) (local.get $count)))

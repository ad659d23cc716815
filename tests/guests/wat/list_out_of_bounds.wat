;; Answers a list that begins inside and ends outside of its memory.
(func $code (param $payloads i32) (param $count i32) (result i32)
  (call $answer (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 8)) (i32.const 1)))

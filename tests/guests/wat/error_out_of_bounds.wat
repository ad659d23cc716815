;; Fails with a text that is not in its memory.
(func $code (param $payloads i32) (param $count i32) (result i32)
  (call $refuse (i32.const 0x7fffff00) (i32.const 300)))

;; Divides by zero.
(func $code (param $payloads i32) (param $count i32) (result i32)
  (i32.div_u (local.get $payloads) (i32.sub (local.get $count) (i32.const 1))))

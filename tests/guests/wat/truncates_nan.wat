;; Makes a whole number of what is none, which traps.
(func $code (param $payloads i32) (param $count i32) (result i32)
  (i32.trunc_f64_s (f64.const nan)))

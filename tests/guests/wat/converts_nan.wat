;; Makes numbers of what is none, and answers the bits that came of it.
(func $code (param $payloads i32) (param $count i32) (result i32)
  (local $data i32)
  (local.set $data (i32.load offset=8 (local.get $payloads)))
  (f64.store (local.get $data) (f64.div (f64.const 0) (f64.neg (f64.const 0))))
  (i64.store (local.get $data) (i64.and (i64.load (local.get $data)) (i64.const 0x7fffffffffffffff)))
  (i32.store offset=8 (local.get $data) (i32.trunc_sat_f64_s (f64.const nan)))
  (call $answer (local.get $payloads) (local.get $count)))

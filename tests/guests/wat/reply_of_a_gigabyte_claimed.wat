;; Says that the data of its answer is a gibibyte.
(func $code (param $payloads i32) (param $count i32) (result i32)
  (i32.store offset=12 (local.get $payloads) (i32.const 1073741824))
  (call $answer (local.get $payloads) (local.get $count)))

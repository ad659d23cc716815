;; Hands out the same memory, at address zero, for everything.
(func (export "cabi_realloc") (param $old i32) (param $had i32) (param $align i32) (param $size i32) (result i32)
  (i32.const 0))
(func $code (param $payloads i32) (param $count i32) (result i32)
  (call $answer (local.get $payloads) (local.get $count)))

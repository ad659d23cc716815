;; Has the host marshal as many external payloads as its data has bytes.
(import "temporal:codec/wire@1.0.0" "marshal" (func $marshal (param i32 i32 i32 i32 i32 i32 i32)))
(func $code (param $payloads i32) (param $count i32) (result i32)
  (call $marshal (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
    (call $allocate (i32.mul (i32.load offset=12 (local.get $payloads)) (i32.const 8))) (i32.load offset=12 (local.get $payloads)) (i32.const 128))
  (call $answer (local.get $payloads) (local.get $count)))

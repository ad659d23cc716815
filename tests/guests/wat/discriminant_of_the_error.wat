;; Fails in a third way, of which there are two.
(func $code (param $payloads i32) (param $count i32) (result i32)
  (drop (call $refuse (i32.const 0) (i32.const 0)))
  (i32.store8 (i32.const 20) (i32.const 0xff))
  (i32.const 16))

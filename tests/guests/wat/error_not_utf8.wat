;; Fails with a text that is not UTF-8.
(data (i32.const 64) "payload 0: \c3\28")
(func $code (param $payloads i32) (param $count i32) (result i32)
  (call $refuse (i32.const 64) (i32.const 13)))

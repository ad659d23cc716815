;; Fails with a text of fifty megabytes.
(func $code (param $payloads i32) (param $count i32) (result i32)
  (local $text i32)
  (local.set $text (call $allocate (i32.const 50000000)))
  (memory.fill (local.get $text) (i32.const 0x78) (i32.const 50000000))
  (call $refuse (local.get $text) (i32.const 50000000)))

;; Asks for a setting whose name has sixty million bytes, again and again.
(import "wasi:config/store@0.2.0-rc.1" "get" (func $get (param i32 i32 i32)))
(func $code (param $payloads i32) (param $count i32) (result i32)
  (local $name i32)
  (local.set $name (call $allocate (i32.const 60000000)))
  (loop $for-ever
    (call $get (local.get $name) (i32.const 60000000) (i32.const 128))
    (br $for-ever))
  unreachable)

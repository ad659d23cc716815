;; Has the host open sixty megabytes, again and again.
(import "temporal:codec/keyring@1.0.0" "open-payload" (func $open (param i32 i32 i32 i32 i32 i32 i32)))
(data (i32.const 64) "k1")
(func $code (param $payloads i32) (param $count i32) (result i32)
  (local $sealed i32)
  (local.set $sealed (call $allocate (i32.const 60000000)))
  (loop $for-ever
    (call $open (i32.const 64) (i32.const 2) (local.get $sealed) (i32.const 60000000) (i32.const 0) (i32.const 0) (i32.const 128))
    (br $for-ever))
  unreachable)

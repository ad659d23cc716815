;; Has the host open a million times nothing with one call, again and again.
(import "temporal:codec/keyring@1.0.0" "open-each" (func $open (param i32 i32 i32)))
(func $code (param $payloads i32) (param $count i32) (result i32)
  (local $list i32)
  (local.set $list (call $allocate (i32.const 24000000)))
  (loop $for-ever
    (call $open (local.get $list) (i32.const 1000000) (i32.const 128))
    (br $for-ever))
  unreachable)

;; Spins when it is told that its answer was read.
(global $armed (mut i32) (i32.const 0))
(func $code (param $payloads i32) (param $count i32) (result i32)
  (global.set $armed (i32.const 1))
  (call $answer (local.get $payloads) (local.get $count)))
(func $post (param i32)
  (if (global.get $armed) (then (loop $for-ever (br $for-ever)))))
(export "cabi_post_temporal:codec/payload-codec@1.0.0#encode" (func $post))
(export "cabi_post_temporal:codec/payload-codec@1.0.0#decode" (func $post))

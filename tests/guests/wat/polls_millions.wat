;; Waits for ten million alarms at once, all of them the same.
(import "wasi:clocks/monotonic-clock@0.2.0" "subscribe-duration" (func $alarm (param i64) (result i32)))
(import "wasi:io/poll@0.2.0" "poll" (func $poll (param i32 i32 i32)))
(func $code (param $payloads i32) (param $count i32) (result i32)
  (local $list i32) (local $at i32) (local $alarm i32)
  (local.set $alarm (call $alarm (i64.const 1000000000000)))
  (local.set $list (call $allocate (i32.const 40000000)))
  (local.set $at (local.get $list))
  (loop $more
    (i32.store (local.get $at) (local.get $alarm))
    (local.set $at (i32.add (local.get $at) (i32.const 4)))
    (br_if $more (i32.lt_u (local.get $at) (i32.add (local.get $list) (i32.const 40000000)))))
  (call $poll (local.get $list) (i32.const 10000000) (i32.const 128))
  (call $answer (local.get $payloads) (local.get $count)))

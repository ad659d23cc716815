;; Waits for an alarm in 584 years.
(import "wasi:clocks/monotonic-clock@0.2.0" "subscribe-duration" (func $alarm (param i64) (result i32)))
(import "wasi:io/poll@0.2.0" "[method]pollable.block" (func $block (param i32)))
(func $code (param $payloads i32) (param $count i32) (result i32)
  (call $block (call $alarm (i64.const -1)))
  (call $answer (local.get $payloads) (local.get $count)))

;; Sets one alarm after the other, and waits for none.
(import "wasi:clocks/monotonic-clock@0.2.0" "subscribe-duration" (func $alarm (param i64) (result i32)))
(func $code (param $payloads i32) (param $count i32) (result i32)
  (loop $for-ever
    (drop (call $alarm (i64.const 1000000000000)))
    (br $for-ever))
  unreachable)

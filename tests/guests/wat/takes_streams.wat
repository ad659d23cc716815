;; Takes one handle of standard error after the other, and drops none.
(import "wasi:cli/stderr@0.2.0" "get-stderr" (func $stderr (result i32)))
(func $code (param $payloads i32) (param $count i32) (result i32)
  (loop $for-ever
    (drop (call $stderr))
    (br $for-ever))
  unreachable)

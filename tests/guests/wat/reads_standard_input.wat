;; Reads 2⁶⁴ − 1 bytes from standard input, and waits for them.
(import "wasi:cli/stdin@0.2.0" "get-stdin" (func $stdin (result i32)))
(import "wasi:io/streams@0.2.0" "[method]input-stream.blocking-read" (func $read (param i32 i64 i32)))
(func $code (param $payloads i32) (param $count i32) (result i32)
  (call $read (call $stdin) (i64.const -1) (i32.const 128))
  ;; Whether it failed, in the first byte of the payload's data.
  (i32.store8 (i32.load offset=8 (local.get $payloads)) (i32.load8_u (i32.const 128)))
  (call $answer (local.get $payloads) (local.get $count)))

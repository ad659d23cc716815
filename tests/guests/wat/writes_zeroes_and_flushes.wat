;; Has the host write and flush 2⁶⁴ − 1 zeroes to standard error.
(import "wasi:cli/stderr@0.2.0" "get-stderr" (func $stderr (result i32)))
(import "wasi:io/streams@0.2.0" "[method]output-stream.blocking-write-zeroes-and-flush" (func $write-zeroes-and-flush (param i32 i64 i32)))
(func $code (param $payloads i32) (param $count i32) (result i32)
  (call $write-zeroes-and-flush (call $stderr) (i64.const -1) (i32.const 128))
  (call $answer (local.get $payloads) (local.get $count)))

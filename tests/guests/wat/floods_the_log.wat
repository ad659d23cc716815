;; Writes control characters to standard error for ever.
(import "wasi:cli/stderr@0.2.0" "get-stderr" (func $stderr (result i32)))
(import "wasi:io/streams@0.2.0" "[method]output-stream.blocking-write-and-flush" (func $write-and-flush (param i32 i32 i32 i32)))
(func $code (param $payloads i32) (param $count i32) (result i32)
  (local $stream i32)
  (local.set $stream (call $stderr))
  (memory.fill (i32.const 65536) (i32.const 0x1b) (i32.const 4096))
  (loop $for-ever
    (call $write-and-flush (local.get $stream) (i32.const 65536) (i32.const 4096) (i32.const 128))
    (br $for-ever))
  unreachable)

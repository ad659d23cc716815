;; Writes a mebibyte to standard error without having asked how much it takes.
(import "wasi:cli/stderr@0.2.0" "get-stderr" (func $stderr (result i32)))
(import "wasi:io/streams@0.2.0" "[method]output-stream.write" (func $write (param i32 i32 i32 i32)))
(func $code (param $payloads i32) (param $count i32) (result i32)
  (local $text i32)
  (local.set $text (call $allocate (i32.const 1048576)))
  (call $write (call $stderr) (local.get $text) (i32.const 1048576) (i32.const 128))
  (call $answer (local.get $payloads) (local.get $count)))

;; Copies thirty mebibytes of memory to and fro, each time with a single instruction.
(func $code (param $payloads i32) (param $count i32) (result i32)
  (drop (memory.grow (i32.const 960)))
  (loop $for-ever
    (memory.copy (i32.const 65536) (i32.const 31522816) (i32.const 31391744))
    (memory.copy (i32.const 31522816) (i32.const 65536) (i32.const 31391744))
    (br $for-ever))
  unreachable)

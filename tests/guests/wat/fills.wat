;; Fills sixty mebibytes of memory again and again, each time with a single instruction.
(func $code (param $payloads i32) (param $count i32) (result i32)
  (drop (memory.grow (i32.const 960)))
  (loop $for-ever
    (memory.fill (i32.const 65536) (i32.const 1) (i32.const 62914560))
    (br $for-ever))
  unreachable)

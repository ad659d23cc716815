;; Reads just beyond its memory.
(func $code (param $payloads i32) (param $count i32) (result i32)
  (i32.load (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 3))))

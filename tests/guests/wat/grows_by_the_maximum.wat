;; Asks for all of four gibibytes of memory at once, again and again.
(func $code (param $payloads i32) (param $count i32) (result i32)
  (loop $more
    (drop (memory.grow (i32.const 65534)))
    (br $more))
  unreachable)

;; Looks for bytes that it never wrote in all memory it can get, and answers how many there are.
(func $code (param $payloads i32) (param $count i32) (result i32)
  (local $at i32) (local $found i32) (local $start i32)
  (local.set $start (global.get $heap))
  (loop $more (br_if $more (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
  (local.set $at (i32.and (i32.add (local.get $start) (i32.const 16)) (i32.const -8)))
  (loop $words
    (if (i64.ne (i64.load (local.get $at)) (i64.const 0))
      (then (local.set $found (i32.add (local.get $found) (i32.const 1)))))
    (local.set $at (i32.add (local.get $at) (i32.const 8)))
    (br_if $words (i32.lt_u (local.get $at) (i32.mul (memory.size) (i32.const 65536)))))
  (i32.store (i32.load offset=8 (local.get $payloads)) (local.get $found))
  (call $answer (local.get $payloads) (local.get $count)))

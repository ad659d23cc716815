;; Grows its memory until it may not, writes to every page of it, and answers how many there are.
(func $code (param $payloads i32) (param $count i32) (result i32)
  (local $at i32)
  (loop $more (br_if $more (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
  (loop $pages
    (i32.store offset=4092 (local.get $at) (i32.const -1))
    (i32.store offset=65532 (local.get $at) (i32.const -1))
    (local.set $at (i32.add (local.get $at) (i32.const 65536)))
    (br_if $pages (i32.lt_u (local.get $at) (i32.mul (memory.size) (i32.const 65536)))))
  (i32.store (i32.load offset=8 (local.get $payloads)) (memory.size))
  (call $answer (local.get $payloads) (local.get $count)))

;; Grows a table until it may not, and answers how large it became.
(table $table 1 funcref)
(func $code (param $payloads i32) (param $count i32) (result i32)
  (loop $more (br_if $more (i32.ne (table.grow $table (ref.null func) (i32.const 1)) (i32.const -1))))
  (i32.store (i32.load offset=8 (local.get $payloads)) (table.size $table))
  (call $answer (local.get $payloads) (local.get $count)))

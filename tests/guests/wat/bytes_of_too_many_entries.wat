;; Answers payloads of 10,001 metadata entries, all of them empty: one of them, in the same bytes.
;; world: guest-of-bytes
(func $code (param $payloads i32) (param $count i32) (result i32)
  (local $list i32) (local $entries i32) (local $at i32)
  (local.set $entries (call $allocate (i32.const 20002)))
  (local.set $at (local.get $entries))
  (loop $next
    (i32.store16 (local.get $at) (i32.const 0x000a))
    (local.set $at (i32.add (local.get $at) (i32.const 2)))
    (br_if $next (i32.lt_u (local.get $at) (i32.add (local.get $entries) (i32.const 20002)))))
  (local.set $list (call $allocate (i32.const 8)))
  (local.set $at (local.get $list))
  (loop $next
    (i32.store (local.get $at) (local.get $entries))
    (i32.store offset=4 (local.get $at) (i32.const 20002))
    (local.set $at (i32.add (local.get $at) (i32.const 8)))
    (br_if $next (i32.lt_u (local.get $at) (i32.add (local.get $list) (i32.const 8)))))
  (call $answer (local.get $list) (i32.const 1)))

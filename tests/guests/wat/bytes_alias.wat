;; Answers a hundred payloads that are all the same megabyte of data.
;; world: guest-of-bytes
(func $code (param $payloads i32) (param $count i32) (result i32)
  (local $list i32) (local $data i32) (local $at i32)
  (local.set $data (call $allocate (i32.const 1000004)))
  ;; Data of 1,000,000 bytes.
  (i32.store (local.get $data) (i32.const 0x3d84c012))
  (local.set $list (call $allocate (i32.const 800)))
  (local.set $at (local.get $list))
  (loop $next
    (i32.store (local.get $at) (local.get $data))
    (i32.store offset=4 (local.get $at) (i32.const 1000004))
    (local.set $at (i32.add (local.get $at) (i32.const 8)))
    (br_if $next (i32.lt_u (local.get $at) (i32.add (local.get $list) (i32.const 800)))))
  (call $answer (local.get $list) (i32.const 100)))

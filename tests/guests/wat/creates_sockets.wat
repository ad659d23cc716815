;; Creates sockets for ever, and answers how many it got of ten thousand.
(import "wasi:sockets/tcp-create-socket@0.2.0" "create-tcp-socket" (func $tcp (param i32 i32)))
(import "wasi:sockets/udp-create-socket@0.2.0" "create-udp-socket" (func $udp (param i32 i32)))
(func $code (param $payloads i32) (param $count i32) (result i32)
  (local $turn i32) (local $got i32)
  (loop $more
    (call $tcp (i32.const 0) (i32.const 128))
    (call $udp (i32.const 1) (i32.const 136))
    (local.set $got (i32.add (local.get $got) (i32.add (i32.eqz (i32.load8_u (i32.const 128))) (i32.eqz (i32.load8_u (i32.const 136))))))
    (local.set $turn (i32.add (local.get $turn) (i32.const 1)))
    (br_if $more (i32.lt_u (local.get $turn) (i32.const 5000))))
  (i32.store (i32.load offset=8 (local.get $payloads)) (local.get $got))
  (call $answer (local.get $payloads) (local.get $count)))

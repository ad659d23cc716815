;; Spins before it is called, in the initialiser of its module.
(import "wasi:config/store@0.2.0-rc.1" "get" (func $get (param i32 i32 i32)))
(data (i32.const 64) "namespace")
;; A server tries a component without a namespace.
(func $in-service (result i32)
  (call $get (i32.const 64) (i32.const 9) (i32.const 80))
  (i32.load8_u (i32.const 84)))
(func (export "_initialize")
  (if (call $in-service) (then (loop $for-ever (br $for-ever)))))
(func $code (param $payloads i32) (param $count i32) (result i32)
  (call $answer (local.get $payloads) (local.get $count)))

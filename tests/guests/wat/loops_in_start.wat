;; Spins before it is called, in the start function of its module.
(component
  (import "temporal:codec/types@1.0.0" (instance $types
    (type $a (record (field "size-bytes" s64)))
    (export "external-payload" (type $external (eq $a)))
    (type $b (record
      (field "metadata" (list (tuple string (list u8))))
      (field "data" (list u8))
      (field "external-payloads" (list $external))))
    (export "payload" (type (eq $b)))
    (type $c (variant (case "invalid" string) (case "unavailable" string)))
    (export "codec-error" (type (eq $c)))))
  (import "wasi:config/store@0.2.0-rc.1" (instance $store
    (type $a (variant (case "upstream" string) (case "io" string)))
    (export "error" (type $error (eq $a)))
    (export "get" (func (param "key" string) (result (result (option string) (error $error)))))))
  (core module $memory
    (memory (export "memory") 1)
    (global $heap (mut i32) (i32.const 1024))
    (func (export "cabi_realloc") (param i32 i32 i32) (param $size i32) (result i32)
      (local $block i32)
      (local.set $block (global.get $heap))
      (global.set $heap (i32.add (local.get $block)
        (i32.and (i32.add (local.get $size) (i32.const 7)) (i32.const -8))))
      (local.get $block)))
  (core instance $memory (instantiate $memory))
  (core func $get (canon lower (func $store "get")
    (memory (core memory $memory "memory")) (realloc (core func $memory "cabi_realloc"))))
  (core module $main
    (import "host" "memory" (memory 1))
    (import "host" "get" (func $get (param i32 i32 i32)))
    (data (i32.const 64) "namespace")
    (func $start
      ;; A server tries a component without a namespace.
      (call $get (i32.const 64) (i32.const 9) (i32.const 80))
      (if (i32.load8_u (i32.const 84)) (then (loop $for-ever (br $for-ever)))))
    (start $start)
    (func (export "code") (param $payloads i32) (param $count i32) (result i32)
      (i32.store (i32.const 20) (local.get $payloads))
      (i32.store (i32.const 24) (local.get $count))
      (i32.const 16)))
  (core instance $main (instantiate $main (with "host" (instance
    (export "memory" (memory $memory "memory"))
    (export "get" (func $get))))))
  (alias export $types "payload" (type $payload))
  (alias export $types "codec-error" (type $codec-error))
  (func $code
    (param "payloads" (list $payload))
    (result (result (list $payload) (error $codec-error)))
    (canon lift (core func $main "code")
      (memory (core memory $memory "memory")) (realloc (core func $memory "cabi_realloc"))))
  (instance $codec
    (export "encode" (func $code))
    (export "decode" (func $code)))
  (export "temporal:codec/payload-codec@1.0.0" (instance $codec)))

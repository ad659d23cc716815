;; Wants a function of the keyring that there is not, next to those that there are.
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
  (import "temporal:codec/keyring@1.0.0" (instance $keyring
    (export "export-all-keys" (func (result (list (list u8)))))))
  (core module $main
    (memory (export "memory") 2)
    (global $heap (mut i32) (i32.const 1024))
    (func (export "cabi_realloc") (param i32 i32 i32) (param $size i32) (result i32)
      (local $block i32)
      (local.set $block (global.get $heap))
      (global.set $heap (i32.add (local.get $block)
        (i32.and (i32.add (local.get $size) (i32.const 7)) (i32.const -8))))
      (local.get $block))
    (func (export "code") (param $payloads i32) (param $count i32) (result i32)
      (i32.store (i32.const 20) (local.get $payloads))
      (i32.store (i32.const 24) (local.get $count))
      (i32.const 16)))
  (core instance $main (instantiate $main))
  (alias export $types "payload" (type $payload))
  (alias export $types "codec-error" (type $codec-error))
  (func $code
    (param "payloads" (list $payload))
    (result (result (list $payload) (error $codec-error)))
    (canon lift (core func $main "code")
      (memory (core memory $main "memory")) (realloc (core func $main "cabi_realloc"))))
  (instance $codec
    (export "encode" (func $code))
    (export "decode" (func $code)))
  (export "temporal:codec/payload-codec@1.0.0" (instance $codec)))

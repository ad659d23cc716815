;; Has the host handle its data, in the way that the first byte of it says.
(import "temporal:codec/keyring@1.0.0" "active" (func $active (param i32)))
(import "temporal:codec/keyring@1.0.0" "[method]key.seal" (func $seal (param i32 i32 i32 i32 i32 i32)))
(import "temporal:codec/keyring@1.0.0" "[method]key.open" (func $open (param i32 i32 i32 i32 i32 i32)))
(import "temporal:codec/keyring@1.0.0" "open-payload" (func $open-payload (param i32 i32 i32 i32 i32 i32 i32)))
(import "temporal:codec/keyring@1.0.0" "seal-payload" (func $seal-payload (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
(import "temporal:codec/wire@1.0.0" "unmarshal" (func $unmarshal (param i32 i32 i32)))
(import "temporal:codec/wire@1.0.0" "marshal" (func $marshal (param i32 i32 i32 i32 i32 i32 i32)))
(data (i32.const 64) "k1")
(func $key (result i32)
  (call $active (i32.const 128))
  (if (i32.load8_u (i32.const 128)) (then unreachable))
  (i32.load (i32.const 132)))
(func $code (param $payloads i32) (param $count i32) (result i32)
  (local $entries i32) (local $data i32) (local $size i32) (local $way i32)
  (local.set $entries (i32.load (local.get $payloads)))
  (local.set $data (i32.load offset=8 (local.get $payloads)))
  (local.set $size (i32.load offset=12 (local.get $payloads)))
  (local.set $way (i32.load8_u (local.get $data)))
  ;; s
  (if (i32.eq (local.get $way) (i32.const 115)) (then
    (call $seal (call $key) (local.get $data) (local.get $size) (i32.const 0) (i32.const 0) (i32.const 128))))
  ;; a, as what it is associated with
  (if (i32.eq (local.get $way) (i32.const 97)) (then
    (call $seal (call $key) (i32.const 0) (i32.const 0) (local.get $data) (local.get $size) (i32.const 128))))
  ;; o
  (if (i32.eq (local.get $way) (i32.const 111)) (then
    (call $open (call $key) (local.get $data) (local.get $size) (i32.const 0) (i32.const 0) (i32.const 128))))
  ;; O
  (if (i32.eq (local.get $way) (i32.const 79)) (then
    (call $open-payload (i32.const 64) (i32.const 2) (local.get $data) (local.get $size) (i32.const 0) (i32.const 0) (i32.const 128))))
  ;; S
  (if (i32.eq (local.get $way) (i32.const 83)) (then
    (call $seal-payload (i32.const 0) (i32.const 0) (i32.const 0)
      (local.get $entries) (i32.const 1) (local.get $data) (local.get $size) (i32.const 0) (i32.const 0)
      (i32.const 0) (i32.const 0) (i32.const 128))))
  ;; u
  (if (i32.eq (local.get $way) (i32.const 117)) (then
    (call $unmarshal (local.get $data) (local.get $size) (i32.const 128))))
  ;; m
  (if (i32.eq (local.get $way) (i32.const 109)) (then
    (call $marshal (local.get $entries) (i32.const 1) (local.get $data) (local.get $size) (i32.const 0) (i32.const 0) (i32.const 128))))
  (call $answer (local.get $payloads) (local.get $count)))

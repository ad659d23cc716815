;; Gives the host an option that is neither there nor not there.
(import "temporal:codec/keyring@1.0.0" "seal-payload" (func $seal (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
(func $code (param $payloads i32) (param $count i32) (result i32)
  (call $seal (i32.const 7) (i32.const 0) (i32.const 0)
    (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
    (i32.const 0) (i32.const 0) (i32.const 128))
  (call $answer (local.get $payloads) (local.get $count)))

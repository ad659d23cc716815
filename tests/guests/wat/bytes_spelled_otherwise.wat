;; Answers a payload as nobody would write it: the data before the metadata and given twice, a key
;; given twice, a field that nobody knows.
;; world: guest-of-bytes
(data (i32.const 64) "\12\01x\0a\06\12\011\0a\01k\22\02??\0a\06\0a\01k\12\012\12\01y")
(func $code (param $payloads i32) (param $count i32) (result i32)
  (i32.store (local.get $payloads) (i32.const 64))
  (i32.store offset=4 (local.get $payloads) (i32.const 26))
  (call $answer (local.get $payloads) (local.get $count)))

;; Answers what it was given; its strings are UTF-16.
;; strings: utf16
(func $code (param $payloads i32) (param $count i32) (result i32)
  (call $answer (local.get $payloads) (local.get $count)))

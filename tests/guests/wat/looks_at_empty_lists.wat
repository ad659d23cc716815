;; Answers what it was given, if all lists are where it said, those without elements too: it may be
;; one that frees whatever it gets.
(func $look (param $list i32)
  (if (i32.lt_u (local.get $list) (i32.const 1024)) (then unreachable)))
(func $code (param $payloads i32) (param $count i32) (result i32)
  (call $look (i32.load (local.get $payloads)))
  (call $look (i32.load offset=8 (local.get $payloads)))
  (call $look (i32.load offset=16 (local.get $payloads)))
  (call $answer (local.get $payloads) (local.get $count)))

;; Calls itself a hundred times for each byte of its data.
(func $deeper (param $depth i32) (result i32)
  (if (i32.eqz (local.get $depth)) (then (return (i32.const 0))))
  (i32.add (call $deeper (i32.sub (local.get $depth) (i32.const 1))) (i32.const 1)))
(func $code (param $payloads i32) (param $count i32) (result i32)
  (drop (call $deeper (i32.mul (i32.load offset=12 (local.get $payloads)) (i32.const 100))))
  (call $answer (local.get $payloads) (local.get $count)))

;; Calls a function through an empty place of a table.
(type $function (func (result i32)))
(table $table 4 funcref)
(func $code (param $payloads i32) (param $count i32) (result i32)
  (call_indirect $table (type $function) (local.get $count)))

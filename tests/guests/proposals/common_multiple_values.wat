(component
  (core module (func (result i32 i32) (i32.const 0) (i32.extend8_s (i32.const 1)))))

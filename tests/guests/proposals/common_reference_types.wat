(component
  (core module (table 1 funcref) (func (result funcref) (table.get (i32.const 0)))))

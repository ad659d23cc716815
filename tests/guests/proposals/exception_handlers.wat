(component
  (core module (func (try_table (nop)))))

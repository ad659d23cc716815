(component
  (core module (func (param i31ref))))

(component
  (core module (table 1 externref) (func (param externref))))

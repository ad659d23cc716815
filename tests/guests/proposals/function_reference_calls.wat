(component
  (core module (type $f (func)) (func (param funcref) (call_ref $f (unreachable)))))

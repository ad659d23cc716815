(component
  (core module (tag)))

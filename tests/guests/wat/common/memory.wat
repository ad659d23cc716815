;; Two pages, which need not grow for small requests.
(memory (export "memory") 2)

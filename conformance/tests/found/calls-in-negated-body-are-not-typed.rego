package fz

import future.keywords.not

a if not eq([], "foo")

b if not [] == "foo"

c if not startswith(1, "b")
# opa: [{"x":{"a":true,"b":true,"c":true}} {"a": true, "b": true, "c": true}]

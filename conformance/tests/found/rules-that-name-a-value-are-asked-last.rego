# input: {"a": 1, "b": 2, "xs": []}
package fz
f(x) := x
f(x) := 3 if x > 3
r := 1 if { input.a == 1; count(input.xs) >= 0 }
r := 1 if { input.b; f(14) }
# query: x = data.fz.r
# opa: error eval_conflict_error

# input: {"xs": []}
package fz
f(x) := x
f(x) := 3 if x > 3
r := 1 if { count(input.xs) >= 0 }
r := 1 if { f(14) }
# query: x = data.fz.r
# opa: error eval_conflict_error

# input: {"x": 1, "xs": [1, 2]}
package fz
f(x) := x
f(x) := 3 if x > 3
p := 1 if { 1 in input.xs; input.x == 1 }
p := 1 if { 1 in input.xs; f(14) }
p := 2 if { 2 in input.xs; input.nowhere }
q := 1 if { 1 in input.xs; input.x == 1 }
q := 1 if { 1 in input.xs; f(14) }
q := 2 if { 2 in input.xs; input.x == 3 }
result := {"p": p, "q": q}
# query: x = data.fz.result
# opa: error eval_conflict_error

# input: {"x": 1}
package fz
f(x) := x
f(x) := 3 if x > 3
p := 1 if input.x == 1
p := 1 if { input.x == 1; f(14) }
p := 2 if input.x == 2
# query: x = data.fz.p
# opa: [{"x":1}]

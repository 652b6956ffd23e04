# input: {"a": 1, "b": 2, "xs": []}
package fz
f(x) := x
f(x) := 3 if x > 3
s := 1 if { input.b == 2; count(input.xs) >= 0 }
s := 1 if { input.a; f(1) == 1 }
s := 1 if { data.nowhere; f(14) }
# query: x = data.fz.s
# opa: [{"x":1}]

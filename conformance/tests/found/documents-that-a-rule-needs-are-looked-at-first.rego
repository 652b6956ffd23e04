# strict: true
package fz
s contains 1 if { x := 1 / 0; [y, 1] = input.nowhere }
t contains 1 if { x := 1 / 0; startswith(input.nowhere, "a") }
u contains 1 if { x := 1 / 0; y := {"a": input.nowhere} }
v := input.nowhere if { x := 1 / 0 }
w if { x := 1 / 0; every z in input.nowhere { z > 1 } }
# query: x = data.fz
# opa: [{"x":{"s":[],"t":[],"u":[]}}]

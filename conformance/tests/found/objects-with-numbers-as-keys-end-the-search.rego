# version: v0
# strict: true
# input: {"m": 26.38, "size": 5}
package fz
import rego.v1
r1 := {2: 3, "x y": 19.64} if { input.m % input.size }
r1 := {2: 3, "x y": 19.64} if { {} == {} }
# query: x = data.fz.r1
# opa: [{"x":{"2":3,"x y":19.64}}]

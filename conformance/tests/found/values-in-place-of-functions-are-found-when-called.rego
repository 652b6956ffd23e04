package fz
# A document in place of a function is found where the function is called, under what `with` replaces there.
bad contains f([])
f(x) := i if { y := [true, false]; y[i] }
never := json.unmarshal(concat(input.nowhere, {""}))
a := [x | x := never with json.unmarshal as bad]
b := x if { x := count([1]) with count as missing }
missing := 1 if false
holds if { count([1]) with count as missing }
shouted := upper("a")
c := x if { x := number with count as shouted with upper as lib }
number := count([1])
lib.a := 1
d := x if { x := number with count as lib }
# opa: [{"x":{"a":[],"bad":[0],"c":{"a":1},"d":{"a":1},"holds":true,"lib":{"a":1},"number":1,"shouted":"A"}} {"a": [], "bad": {0}, "c": {"a": 1}, "d": {"a": 1}, "holds": true, "lib": {"a": 1}, "number": 1, "shouted": "A"}]

# input: {"x": 5, "y": 5}
package fz
a := 7
b := 5
c := 1
p := [v | some v in {c, 9, b}]
q := [v | some v in {b, 9, a, c, b}]
r := [v | x := input.x; y := input.y; v := {9, y, x}[_]]
s := [5 | some v in {input.x, 9, input.y}]
t := count({9, input.x, input.y})
# opa: [{"x":{"a":7,"b":5,"c":1,"p":[9,5,1],"q":[9,7,5,1],"r":[9,5,5],"s":[5,5,5],"t":2}} {"a": 7, "b": 5, "c": 1, "p": [9, 5, 1], "q": [9, 7, 5, 1], "r": [9, 5, 5], "s": [5, 5, 5], "t": 2}]

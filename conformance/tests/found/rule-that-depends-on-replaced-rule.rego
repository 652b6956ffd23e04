package fz

b := [input.s]

c := {"v": b}

r if c.v == "x" with data.fz.b as "x"

s if b == "x" with b as "x"
# input: {"s": 1}
# opa: [{"x":{"b":[1],"c":{"v":[1]},"r":true,"s":true}} {"b": [1], "c": {"v": [1]}, "r": true, "s": true}]

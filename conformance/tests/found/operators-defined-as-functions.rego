package fz

a + b := 1

p := data.fz.plus(1, 2)
# opa: [{"x":{"p":1}} {"p": 1}]

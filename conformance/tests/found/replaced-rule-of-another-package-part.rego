package fz

b := [input.s]

d := [1]

r if d == "x" with b as "x"
# input: {"s": 1}
# opa: refused {"rego_type_error"}

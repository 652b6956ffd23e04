package fz

b := [input.s]

r if b == "x" with input as "x"
# opa: refused {"rego_type_error"}

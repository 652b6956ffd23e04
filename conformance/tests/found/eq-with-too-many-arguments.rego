package fz

p if eq(1, 1, true)
# opa: refused {"rego_type_error"}

package fz

p := eq(1, 1)
# opa: refused {"rego_unsafe_var_error"}

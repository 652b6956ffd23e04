package fz

q if count("a") == 1

p := y if y := q with count as concat
# opa: refused {"rego_type_error"}

package fz

p if {
	every e in input.names { v in data.xs; e }
	count([1], v)
}
# opa: refused {"rego_unsafe_var_error"}

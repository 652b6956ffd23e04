package fz

p if {
	false
} else := 1
else := 2
# opa: refused {"rego_parse_error"}

package fz

p if { some k in {1} - {k} }
# opa: refused {"rego_unsafe_var_error"}

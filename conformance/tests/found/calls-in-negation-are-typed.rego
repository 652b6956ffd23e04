package fz

c if not startswith(1, "b")
# opa: refused {"rego_type_error"}

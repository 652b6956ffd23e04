package fz

s := {{3.5}: 2}

r := s[{1}]
# opa: refused {"rego_type_error"}

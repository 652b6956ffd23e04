# strict: true
package fz
p := 1 if { is_number(0 % 0); input.a[0].name == input.b } else := 2
# query: x = data.fz.p
# opa: error eval_builtin_error

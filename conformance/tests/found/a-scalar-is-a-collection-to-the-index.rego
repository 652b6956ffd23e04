# strict: true
# input: {"a": 1}
package fz
p := 1 if { is_number(0 % 0); input.a[_] == 1 } else := 2
# query: x = data.fz.p
# opa: error eval_builtin_error

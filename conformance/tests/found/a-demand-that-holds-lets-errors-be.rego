# input: {"n": 1, "no": false}
# query: x = data.fz.a
package fz
# `false` is there for OPA's index.
bad := 1 if input.n
bad := 2 if input.n
a if { bad; input.no }
# opa: error eval_conflict_error

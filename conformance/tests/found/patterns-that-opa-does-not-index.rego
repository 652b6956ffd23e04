# input: {"n": 1, "s": "b"}
package fz
# query: x = data.fz.a
bad := 1 if input.n
bad := 2 if input.n
a if { bad; glob.match("a*", [], input.s) }
# opa: error eval_conflict_error

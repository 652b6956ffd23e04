package fz

q[k] := v if {
	k = "a"
	some v in [1, 2]
}

q.b := 3

p if {
	q.b
	q[_] == 3
}
# query: data.fz.p = x; sprintf("%v", [x], t)
# opa: error eval_conflict_error

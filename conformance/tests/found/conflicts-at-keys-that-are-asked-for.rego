package fz

q[k] := v if {
	k = "a"
	some v in [1, 2]
}

p if {
	some k in ["b", "a"]
	q[k]
}
# query: data.fz.p = x; sprintf("%v", [x], t)
# opa: error eval_conflict_error

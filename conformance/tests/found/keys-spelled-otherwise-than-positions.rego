package fz

s contains x if some x in [4, 0e5, 4]

o[i] := x if some i, x in [4, 0e5, 5]

p contains x if {
	some x in s
	not o[x]
}

q := o[0]

r if o[1.0]
# query: [data.fz.p, data.fz.q, [1 | data.fz.r]] = x; sprintf("%v", [x], t)
# opa: [{"x":[[0,4],4,[1]]} [{0, 4}, 4, [1]]]

package fz

s contains x if some x in [4, 0e5, 4]

o[i] := x if some i, x in [4, 0e5, 5]

p contains x if {
	some x in s
	not o[x]
}
# query: [data.fz.o, data.fz.p] = x; sprintf("%v", [x], t)
# opa: [{"x":[{"0":4,"1":0,"2":5},[4]]} [{0: 4, 1: 0, 2: 5}, {4}]]

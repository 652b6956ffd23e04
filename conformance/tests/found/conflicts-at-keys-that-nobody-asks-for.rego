package fz

q[k] := v if {
	k = "a"
	some v in [1, 2]
}

q[k] := v if {
	k = "z"
	v := 7
}

s contains x if {
	some x in [1, 2]
	f(x) > 0
}

f(x) := 1 if x == 1

f(x) := 2 if x == 1

f(x) := 5 if x == 2

g[x.id].v := x.w if {
	some x in [{"id": "a", "w": 1}, {"id": "a", "w": 2}, {"id": "b", "w": 3}]
}

h.a[k].c := v if {
	some k in ["m", "n"]
	v := f(2)
}

h.a.z.c := v if {
	some v in [1, 2]
}

m[k] contains v if {
	some k in [1, 2]
	v := f(k)
}

below.part[k] := v if {
	some k in ["a", "z"]
	v := f({"a": 1, "z": 2}[k])
}

p1 if q.b

p2 if q.z == 7

p3 if {
	some x in ["z", "b"]
	q[x]
}

p4 if s[2]

p5 := x if {
	some r in ["part"]
	some k in ["z"]
	x := data.fz.below[r][k]
}

p6 := g.b.v

p7 := g.b

p8 := h.a.m

p9 := x if {
	x := h.a.m.c with input as 3
}

p10 if q.z == 7 with data.other as 3

p11 := x if {
	x := q[input.k] with input as {"k": "z"}
}

p12 := x if {
	x := q.z with f as 8
}

p13 if m[2][5]

p14 := m[2]

p15 if not q.c
# query: xs = [[x | x = data.fz.p1], [x | x = data.fz.p2], [x | x = data.fz.p3], [x | x = data.fz.p4], [x | x = data.fz.p5], [x | x = data.fz.p6], [x | x = data.fz.p7], [x | x = data.fz.p8], [x | x = data.fz.p9], [x | x = data.fz.p10], [x | x = data.fz.p11], [x | x = data.fz.p12], [x | x = data.fz.p13], [x | x = data.fz.p14], [x | x = data.fz.p15]]; sprintf("%v", [xs], t)
# opa: [{"xs":[[],[true],[true],[true],[5],[3],[{"v":3}],[{"c":5}],[5],[true],[7],[7],[true],[[5]],[true]]} [[], [true], [true], [true], [5], [3], [{"v": 3}], [{"c": 5}], [5], [true], [7], [7], [true], [{5}], [true]]]

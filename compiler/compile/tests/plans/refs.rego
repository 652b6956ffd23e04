package t

a.one := 1

a.two contains x if some x in input.xs

b.three := data.t.a[input.k]

pairs := [[k, v] | v := data.t.a[k]]

deep := {k | data.t.a[k][input.x]}

pattern := y if [x, {"k": y}] = [input.p, input.q]

partly := y if {
	[1, y, z] = input.list
	z.kind == "ok"
}

checks if {
	every i, x in input.xs {
		x > i
	}
	not any_bad
	count([x | some x in input.xs; not x == 1]) == 1
}

any_bad if input.bad[_]

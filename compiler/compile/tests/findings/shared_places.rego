package p

# OPA gives all of these the place of the last name of a rule.
f(x) := 1

g := 7

q if f == 1

r if g.foo == 2

s if data.p.g.bar == 3

t if g == 9

# A variable of the name of a builtin is the builtin, where nothing declares it.
u := [y | walk(input, [walk, y])]

# Keys that are not known are compared as they are written.
v contains x if {
	a = input.c[0].x[i]
	{"a": 1, "b": x} = {x: 1, "b": a}
}

# queries: data.i.p; data.i.q; x = data.i.f(1, 4); data.i.f(3, 1); data.i.r; data.i.s; data.i.nested; data.i.w; data.i.m
# input: {"method": "GET", "path": "a:b:c", "roles": ["x", "y"], "n": 3, "o": {"k": [1, {"z": 2}]}}

package i

p := 1 if input.method == "GET"

p := 1 if input.method == "POST"

p := 1 if {
	input.n > 2
	input.method == "GET"
}

q contains 1 if glob.match("a:*:c", [":"], input.path)

q contains 2 if input.method in {"GET", "PUT"}

q contains 3 if "y" in input.roles

q contains 4 if input.nope

q contains 5 if input.roles[_] == "x"

f(1, x) := x if x > 1

f(n, _) := 2 if n == 3

f(n, _) := 2 if n != 3

default r := "none"

r := "a" if {
	input.n == 1
} else := "b" if {
	input.n == 2
} else := "c" if {
	input.n == 3
}

s[k] contains v if {
	some k, v in input.o.k[1]
}

nested := [[x, y] |
	some x in input.roles
	some y in input.roles
	not x == y
	f2(x)
]

f2(x) if startswith(x, "x")

f2(x) if endswith(x, "y")

default f2(_) := false

w := x if {
	x := count(input.roles) with input.roles as ["z"] with count as f3
}

f3(_) := 7

m[a].b[c] := d if {
	some a in ["k", "l"]
	c := input.n
	d := concat("", [a, "!"])
}

package fz

f(x) := 9 if {
	input.users[_]
	v := [[data.b["if"] | l := [true]; l[i]; startswith("admin", "")], {}]
} else := x

p := f(2)
# input: {"users": [{"name": "ann"}, {"name": "bob"}]}
# opa: [{"x":{"p":9}} {"p": 9}]

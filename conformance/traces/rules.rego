# queries: data.b.allow; data.b.g; data.b.e; data.b.s; data.b.t; data.b.u; x = data.b.s[_]; data.b.grants[x]; data.b.grants.a
# input: {"xs": [1, 2]}

package b

default allow := false

allow if {
	every v in input.xs {
		v > 0
	}
	not blocked
	count([x | some x in input.xs; x > 1]) == 1
}

allow if input.admin == true

allow if {
	input.role == "x"
	some k, v in data.d
	k == "a"
}

blocked if input.bad[_] == "y"

grants[r] := v if {
	some r, v in {"a": 1, "b": 2}
	v > 0
}

g := grants.a

e := 1 if {
	input.nope
} else := 2 if {
	input.xs[0] == 1
}

s contains x if some x in [1, 1, 2]

t := x if x := e + 1 with input as {"xs": [1]}

u := {k: v | some k, v in grants}

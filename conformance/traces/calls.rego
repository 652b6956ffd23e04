# queries: data.t.allow; data.t.names; data.t
# input: {"xs": [1, 2]}

package t

import rego.v1

allow if {
	some i
	x := input.xs[i]
	x > 1
	f(x) == 4
}

f(a) := b if {
	b := a + 2
	trace(sprintf("got %d", [b]))
}

names contains n if {
	n := ["a", "b"][_]
	not n == "b"
}

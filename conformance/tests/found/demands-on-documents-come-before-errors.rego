# input: {"n": 1, "a": "z"}
# query: not data.fz.undefined; not data.fz.bound; not data.fz.negated; not data.fz.member; not data.fz.called; not data.fz.base; x = data.fz.chained
package fz
# What OPA's index finds missing or other than wanted is found before the conflict.
bad := 1 if input.n
bad := 2 if input.n
undefined if { bad; input.x }
bound if { bad == 1; w := input.x; w == 2 }
negated if { not bad; input.a == "q" }
member if { bad; input.a in {"q", "r"} }
argument(x) if { bad; x == 1 }
called := argument(2)
base if { bad; data.nowhere.x }
chained if { some y in [bad]; y == 1; input.q }
else := 3 if { input.n == 1 }
# opa: [{"x":3}]

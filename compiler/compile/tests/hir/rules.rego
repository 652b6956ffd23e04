# query: data.app.allow
# query: x := data.app.users[_].name; x != "root"
package app

import data.shared.limits as lim
import input.user

default allow := false

allow if {
	user.role == "admin"
	count(lim.roles) > 0
}

allow if not blocked[user.name]

blocked contains name if some name in input.blocked

users[id] := u if some id, u in input.users

groups[g].members[m] := true if {
	some g, ms in input.groups
	some m in ms
}

level := "high" if {
	input.risk > 7
} else := "mid" if {
	input.risk > 3
} else := "low"

area(w, h) := w * h

total := sum([area(s.w, s.h) | some s in input.shapes])
======
package shared.limits

roles := {"admin", "auditor"}

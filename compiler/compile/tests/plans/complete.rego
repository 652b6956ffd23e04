package t

default allow := false

allow if {
	input.user.role == "admin"
	input.user.active
}

allow if {
	some grant in data.grants[input.user.name]
	grant.action == input.action
	grant.action in {"read", "write"}
}

level := 1 if input.a
else := 2 if input.b
else := 3

names contains n if n := input.users[_].name

by_id[u.id] := u.name if some u in input.users

nested[u.team][u.id].roles contains r if {
	some u in input.users
	some r in u.roles
}

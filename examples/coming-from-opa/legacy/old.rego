package old

allow {
	input.user == "root"
}

names[name] {
	name := input.users[_]
}

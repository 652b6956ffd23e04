package access

default allow := false

default level := 0

allow if input.role == "admin"

allow if {
	input.role == "editor"
	some item in input.items
	item.size > 3
	not denied
}

allow if {
	startswith(input.name, "svc-")
	input.target in {"db", "queue"}
}

denied if input.blocked

names contains name if {
	name := [n |
		n := input.names[_]
		n != ""
	][_]
}

grade(points) := "high" if {
	points > 10
} else := "middle" if {
	points > 5
} else := "low"

pairs[key] := value if {
	some key, value in {"a": 1}
	every x in [1, 2] {
		x > 0
		x < 3
	}
}

never if {
	input.a == 1
	count(names) > 0
}

package t

default decision := "deny"

decision := "allow" if {
	input.action == "read"
	input.env == "dev"
	input.risk < 3
}

decision := "allow" if {
	input.action == "read"
	input.env == "prod"
	input.risk < 1
}

decision := "ask" if {
	input.action == "write"
	input.env == "dev"
}

decision := "allow" if {
	input.action == "list"
}

decision := "never" if {
	input.action == "drop"
}

label("a") := 1

label("b") := 2

label("c") := 3

label("d") := 4

labels := [label(x) | some x in input.kinds]

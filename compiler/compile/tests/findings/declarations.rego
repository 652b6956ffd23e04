package p

a if {
	x := 1
	x := 2
}

b if {
	y > 1
	y := 2
}

c(x) if {
	x := 1
}

d if {
	some k
	k := 3
}

e if some unused

f if not z := 1

g if count := 1

h if input.a := 1

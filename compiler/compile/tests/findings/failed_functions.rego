package p

r := [x, y] if {
	f(1, x)
	g(1, y)
}

# A branch that fails makes a function any; a good one after it is no function to OPA.
f(x) := "large" if {
	x > 100
} else := "small" if {
	"small" = true
} else := "medium"

g(x) := 1 if {
	x > 100
} else := 2 if {
	"small" = true
}

# A key that is a constant is a place of its own: others may be in base documents.
k[null] := 2

l if k[true]

m if k[null].x

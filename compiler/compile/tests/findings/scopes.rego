package p

# What a comprehension learns of a parameter holds inside of it.
f(x) if {
	[1 | count(x) == 1]
	x + 1 == 2
}

# Calls in the body of `every` are not checked, references are.
g if {
	every x in ["a"] { x + 1 == 2 }
}

# Each branch learns anew.
h(x) := 1 if x == "text"

else := 2 if x + 1 == 2

i := count([y | y := startswith(1, "a")])

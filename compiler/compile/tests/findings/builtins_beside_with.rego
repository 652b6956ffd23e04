package p

import future.keywords.not

p if {
	input.min == min with input as {"min": min([1, 2])}
}

q if {
	a = 2
	not {
		a := a
		a == 3
	}
}

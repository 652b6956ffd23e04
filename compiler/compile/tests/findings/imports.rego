package p

import data.a.x
import input.x

input := 1

f(data) := 1

g if {
	input := 2
	input
}

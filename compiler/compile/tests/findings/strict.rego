# strict
package p

import data.unused

f(a, b) := a

g if {
	x := 1
	input.y
}

# print
package statements

import future.keywords.and
import future.keywords.not
import future.keywords.or

# Calls nest; the inner ones come first, and inside of `not` here.
p if not startswith(lower(input.name), "x")

q if {
	input.a == 1 or input.b == 2 and input.c == 3
}

r := [x | x := input.xs[i]; i > 1]

every_one if every k, v in input.m {
	k != v
	count(v) > 0
}

mocked if {
	p with input.name as upper("y") with data.x as {"k": 1}
	helper(2) with helper as double
	count([1]) == 5 with count as five
}

helper(x) := x

double(x) := x * 2

five(_) := 5

hello := $"hello {input.name} of {q}"

shout if print("name:", input.name)

# A name that two closures use for themselves is two variables.
twice if {
	a = [y | y = input.xs[_]]
	b = [y | y = input.ys[_]]
	a == b
}

# Statements are put in an order in which each variable is bound.
late if {
	x > y
	x = input.x
	y = input.y
}

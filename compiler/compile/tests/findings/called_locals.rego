# A statement that calls a local is a use of it, and calls nothing.
package called

f(x) := x

p if { every f in [1] { f(1) } }

q if { every count, v in [1] { [1 | count([1])]; v } }

r contains x if { some x in x.range(1, 5) }

s(count) := count(x)

t if { some count in [count([1])]; count }

package p

a := 1

a contains 2

f(x) := x

f(x, y) := x + y

default b := 1

default b := 2

c.d := 1

c.d.e := 2
======
package p.q

r := 1
======
package p.q.r

s := 1

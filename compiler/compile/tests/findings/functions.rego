package p

a := nope(1)

b := data.p.missing(2)

f(x) := x

c := f(1, 2)

d := count()

e := upper(1, 2, 3)

package p

a if b

b if c[_]

c contains 1 if not a

f(x) := f(x - 1)

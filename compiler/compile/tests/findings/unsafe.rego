package p

a if x == 1

b := y

c if not z

d contains [v, w] if {
	v := 1
	count(w) > v
}

e := [k | k > 1]

f if { some i; input.xs[i] } g if { q }

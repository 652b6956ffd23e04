package p

a if opa.runtime()[0].foo

b if [1, 2][i].x == 1

c if {
	o := {"a": {"b": 1}}
	o[lower(input.k)].b.c
}

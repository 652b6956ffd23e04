package fz

p if {
	x = {"a": {"b": 1}}
	x.a[i] = 1
	x.a[i] = 1
}
# opa: [{"x":{"p":true}} {"p": true}]

package fz

p contains x if {
	y = 1
	x = [y | x = 1]
}
# opa: [{"x":{"p":[[1]]}} {"p": {[1]}}]

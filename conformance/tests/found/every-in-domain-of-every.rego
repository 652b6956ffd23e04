package fz

p if {
	every x in [1, 2] {
		every y in [x | every z in [] { z }] { y > 0 }
	}
}
# opa: [{"x":{"p":true}} {"p": true}]

package fz

import future.keywords.or

or if {
	1 == 2 or 1 == 1
}
# opa: [{"x":{"or":true}} {"or": true}]

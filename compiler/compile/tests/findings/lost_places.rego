package p

import future.keywords.not

# OPA has lost the places of these.
p if {
	every k, k in {1, 2} { k == 1 }
}

package access_test

import data.access

test_admin if access.allow with input as {"role": "admin"}

test_editor if {
	access.allow with input as {"role": "editor", "items": [{"size": 4}]}
	access.names == set() with input as {"names": [""]}
}

test_stranger if not access.allow with input as {"role": "x", "name": "svc-a", "target": "y"}

test_grade if {
	access.grade(7) == "middle"
	access.pairs.a == 1
}

package access_test

import data.access

test_everybody_reads if access.allow with input as {"user": "eve", "action": "read"}

test_editor_writes_own if {
	access.allow with input as {"user": "ann", "owner": "ann", "action": "write"}
}

test_editor_does_not_write_others if {
	not access.allow with input as {"user": "ann", "owner": "bob", "action": "write"}
}

test_stranger_does_not_write if {
	not access.allow with input as {"user": "eve", "owner": "eve", "action": "write"}
}

package authz_test

import data.authz

test_editors_write if authz.allow with input as {"user": "ann", "action": "write"}

test_viewers_only_read if not authz.allow with input as {"user": "bob", "action": "write"}

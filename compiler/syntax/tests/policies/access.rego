# METADATA
# title: Access to documents
# description: Who may do what with which document.
# authors:
# - A. Author <a@example.com>
package example.documents

import data.example.roles
import data.example.shares as grants

default allow := false

# METADATA
# title: Owners may do everything
allow if input.user.id == input.document.owner

allow if {
	some role in roles.of(input.user)
	some permission in permissions[role]
	permission.action == input.action
	permission.kind in {"any", input.document.kind}
	not expired(permission)
}

allow if {
	input.action in ["read", "list"]
	grants[input.document.id][_] == input.user.id
} else := true if {
	input.document.public
	input.action == "read"
}

permissions := {
	"editor": [
		{"action": "read", "kind": "any"},
		{"action": "write", "kind": "text", "until": 1893456000},
	],
	"viewer": [{"action": "read", "kind": "any"}],
}

expired(permission) if time.now_ns() / 1000000000 > permission.until

deny contains reason if {
	input.action == "delete"
	input.document.legal_hold == true
	reason := sprintf("document %v is under legal hold", [input.document.id])
}

deny contains "no user" if not input.user.id

reasons[kind] contains text if {
	some text in deny
	kind := split(text, " ")[0]
}

by_owner[owner] := {d.id | some d in data.documents; d.owner == owner} if {
	some owner
	data.users[owner].active
}

summary := {
	"allowed": allow,
	"count": count(deny),
	"texts": [upper(t) | some t in deny],
	"lengths": {t: count(t) | some t in deny; count(t) > 3},
}

message := $"{input.user.name} asks for {count(input.actions)} actions on {input.document.id}"

limit(kind) := 10 if kind == "text"

limit(kind) := 5 if {
	kind != "text"
	every c in split(kind, "") {
		c != "*"
		lower(c) == c
	}
}

score := (((3 + 4) * 2) - 1) % 7

bits := {1, 2, 3} & ({2, 3, 4} | {5})

test_owner_may if {
	allow with input as {"user": {"id": "u1"}, "action": "write", "document": {"owner": "u1"}}
}

test_public if {
	allow with input.document as {"public": true}
		with input.action as "read"
		with data.example.shares as {}
}

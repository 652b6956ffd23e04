# METADATA
# title: Who may see what
package authz

default allow := false

# METADATA
# entrypoint: true
allow if {
	some role in data.roles[input.user]
	some permission in data.permissions[role]
	permission == input.action
}

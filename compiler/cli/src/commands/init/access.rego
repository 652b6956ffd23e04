# METADATA
# title: Who may do what
package access

default allow := false

# Everybody may read.
allow if input.action == "read"

# Editors may write what they own.
allow if {
	input.action == "write"
	input.user in data.editors
	input.owner == input.user
}

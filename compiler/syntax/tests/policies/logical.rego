package logical

import future.keywords.and
import future.keywords.not
import future.keywords.or

allow if input.admin or (input.owner and not input.locked)

allow if {
	{ input.a; input.b } or { input.c }
	not {
		some x in input.xs
		x < 0
	}
}

quiet if not { input.loud }

text := `a "raw" string`

template := $`{input.a} and {input.b
}`

last := "end"

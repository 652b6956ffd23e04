package p

import future.keywords.not

a := $"{1 + x}"

b := [[$"{y + 1}"] | some y in [1, 2]]

c if not {
	z := 1
	$"{1 + z}" == "2"
}

d := $"{$"{e.a}"} b"

package fz
p[x] := 7 if x := null
q if p["b"]

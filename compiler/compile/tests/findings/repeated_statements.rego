# A statement that repeats one which safety has moved to its own place counts as placed, but never becomes safe.
package repeated

f if { startswith(v, ""); startswith(v, ""); v = "1" }

g if { startswith(v, ""); startswith(v, ""); v = "1"; x := 1 }

h(x) if { v > x; true; v > x; v = 1 }

i if { v > ""; v > ""; w = v; v = "1" }

j if { input.x; input.x; input.x }

# input: {"a": 6, "n": -3, "z": -0.0}
package fz
p := sprintf("%v", [[x, y, z, v, w]]) if {
	x := -0.0 / 6
	y := 0 / input.n
	z := input.z / input.a
	v := 0 / 6
	w := input.z / input.n
}
q := json.marshal([0 / input.n, input.z / 2.5])
# query: x = data.fz
# opa: [{"x":{"p":"[-0, -0, -0, 0, 0]","q":"[-0,-0]"}}]

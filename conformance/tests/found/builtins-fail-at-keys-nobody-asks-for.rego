# strict: true
# data: {"doc": {"tags": ["b"]}}
package fz
n1[k2] if {
	some k2 in data.doc.tags
	bits.and(17.82, 9)
}
n1.a contains 3
result := n1.a
# query: x = data.fz.result
# opa: [{"x":[3]}]

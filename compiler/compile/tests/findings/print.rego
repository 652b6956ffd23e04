# print
package p

a if {
	some x
	print(x, y)
	x = 1
}

b := print("no value")

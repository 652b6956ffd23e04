# METADATA
# scope: galaxy
package p

# METADATA
# title: [unclosed
a := 1

# METADATA
# scope: package
b := 2

# Packages and their rules have names; what is no name stands nowhere in a path to a rule.
package unnamed

a := data[1]

b := data.unnamed[["f"]]

c := data[{"unnamed"}][x]

d := data.elsewhere[1]

e := data[null].x

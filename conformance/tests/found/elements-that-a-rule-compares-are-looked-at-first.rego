# strict: true
# input: {"a": [3, 4, 5], "b": 1}
package fz
p := 1 if { is_number(0 % 0); input.a[_] == 1 } else := 2
q := 1 if { is_number(0 % 0); input.a[i] == 1 } else := 2
r := 1 if { is_number(0 % 0); [1, _] = input.a } else := 2
s := 1 if { is_number(0 % 0); input.a == [3, input.b] } else := 2
t := 1 if { is_number(0 % 0); [_, 4] = input.b } else := 2
# query: x = data.fz
# opa: [{"x":{"p":2,"q":2,"r":2,"s":2,"t":2}}]

# v0
package old

allow { input.user == "root" }

names[n] { n := input.users[_].name }

roles[u] = r { r := input.roles[u] }

chained { input.a } { input.b }

p.a

f(x) = y { y := x + 1 } else = 0 { true }

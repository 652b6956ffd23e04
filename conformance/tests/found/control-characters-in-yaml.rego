package fz

a := yaml.unmarshal("\u0000")

b := yaml.is_valid("a: \u0001")

c := yaml.is_valid("a: \tb")

d := glob.match("[]", null, "a")
# opa: [{"x":{"b":false,"c":true}} {"b": false, "c": true}]

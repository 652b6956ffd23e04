# schema: {"type": "object", "properties": {"user": {"type": "object", "properties": {"name": {"type": "string"}, "roles": {"type": "array", "items": {"type": "string"}}}}, "env": {"enum": ["dev", "prod"]}}}
package p

a if input.user.nmae == "x"

b if input.user.name == 1

c := count(1)

d if input.user.roles[_] == {"a"}

e if input.env == "prd"

x := "text"

f := x + 1

g := x.field

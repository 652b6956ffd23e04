# METADATA
# schemas:
# - input: {"type": "object", "properties": {"env": {"enum": ["dev", "prod"]}, "n": {"type": "number"}}}
package p

a if input.env == "prd"

b if input.nn == 1

# METADATA
# schemas:
# - data.limits: {"type": "object", "properties": {"max": {"type": "number"}}}
c if data.limits.max == "1"

d if data.limits.max == "1"

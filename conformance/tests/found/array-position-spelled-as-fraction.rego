package fz

literal := input.xs[1.0]

variable contains input.xs[i] if some i in [1.0, 2.00, 0.5, 1e0, -0]

rule := xs[i] if i := to_number("1.0")

xs := [5, 6, 7]

none := input.xs[1e0]
# input: {"xs": [5, 6, 7]}
# opa: [{"x":{"literal":6,"rule":6,"variable":[5,6,7],"xs":[5,6,7]}} {"literal": 6, "rule": 6, "variable": {5, 6, 7}, "xs": [5, 6, 7]}]

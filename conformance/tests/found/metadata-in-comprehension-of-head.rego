package fz

# METADATA
# title: first
# custom:
#   level: 3
r := [m.annotations | some m in rego.metadata.chain()]

s := {m.title | m := rego.metadata.rule()}
# opa: [{"x":{"r":[{"custom":{"level":3},"scope":"rule","title":"first"}],"s":[]}} {"r": [{"custom": {"level": 3}, "scope": "rule", "title": "first"}], "s": set()}]

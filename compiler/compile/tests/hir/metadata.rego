# METADATA
# title: All of it
# scope: package
package meta

# METADATA
# title: One rule
# authors:
# - Jane Doe <jane@example.com>
# custom:
#   level: 3
chain := rego.metadata.chain()

rule := rego.metadata.rule().title

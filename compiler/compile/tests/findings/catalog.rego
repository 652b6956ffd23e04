# catalog: {"actions": {"drain-node": {"risk": "high", "tool": "kube"}, "restart": {"risk": "low", "tool": "kube"}}, "tools": [{"id": "kube"}], "targets": {"prod/api": {"environment": "prod"}}}
package c

a if input.action == "restrat"

b if data.actions["drain-nod"].tool == "kube"

c if input.action in {"drain-node", "launch"}

d if {
	t := data.targets[input.target]
	t.environment == "prd"
}

e if {
	some name
	data.actions[name].tool == "cube"
}

f if data.actions.restart.risk == "critical"

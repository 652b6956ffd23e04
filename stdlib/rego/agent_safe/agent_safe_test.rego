package govc.agent_safe_test

import data.govc.agent_safe

world := {
	"strict": true,
	"actions": {"scale": {
		"risk_class": "medium",
		"target_types": ["deployment"],
		"parameters": [
			{"name": "name", "type": "string", "required": true, "constraints": {"pattern": "[a-z]+", "pattern_regex": `\A(?:[a-z]+)\z`}},
			{"name": "replicas", "type": "integer", "required": false, "constraints": {"max_value": 10, "max_text": "10.0"}},
		],
	}},
	"targets": {
		"dev/app": {"id": "dev/app", "type": "deployment", "environment": "dev", "sensitivity": "internal", "labels": {"tier": "web"}},
		"dev/node": {"id": "dev/node", "type": "node", "environment": "dev", "sensitivity": "critical", "labels": {}},
	},
	"rules": [
		{
			"name": "night", "decision": "require_approval", "reason": "At night", "actions": ["^.*$"],
			"time_windows": [{"start_hour": 22, "end_hour": 6}],
		},
		{
			"name": "dev", "decision": "allow", "reason": "Development", "actions": ["^sc.*$"],
			"targets": {"environments": ["dev"], "labels": {"tier": "web"}},
			"callers": {"roles": ["deployer"]},
		},
	],
}

deployer := {
	"kind": "token", "agent_id": "d-1", "roles": ["deployer"], "groups": [],
	"delegation_chain": [], "delegation_depth": 0,
}

request := {
	"action": "scale",
	"target": "dev/app",
	"caller": deployer,
	"params": {"name": {"value": "app", "kind": "str", "text": "app"}},
	"time": {"hour": 12, "weekday": 0},
	"ticket_id": null,
}

decided(changes) := decision if {
	decision := agent_safe.decision with data.agent_safe as world with input as object.union(request, changes)
}

test_first_rule_that_applies_decides if {
	decided({}) == {
		"result": "allow", "reason": "Development", "policy_matched": "dev",
		"action": "scale", "target": "dev/app", "caller": "d-1",
		"risk_class": "medium", "effective_risk": "medium", "ticket_id": null,
	}
	decided({"time": {"hour": 23}}).policy_matched == "night"
	decided({"time": {"hour": 6}}).policy_matched == "night"
	decided({"time": {"hour": 7}}).policy_matched == "dev"
}

test_nothing_else_is_allowed if {
	decided({"caller": object.union(deployer, {"roles": []})}).reason == "No matching policy (default deny)"
	decided({"caller": null}).caller == "anonymous"
	decided({"caller": null}).result == "deny"
	unknown := decided({"action": "scale2", "target": "prod/app"})
	unknown.reason == "Unknown action: scale2"
	unknown.effective_risk == "critical"
	unknown.target == "unknown"
}

test_parameters_are_checked[reason] if {
	some reason, params in {
		"Missing required parameter: name": object.remove(request.params, ["name"]),
		"Unknown parameter: x": {"x": {"value": 1, "kind": "int", "text": "1"}},
		"Parameter 'name': expected string, got int": {"name": {"value": 1, "kind": "int", "text": "1"}},
		"Parameter 'name': value does not match pattern '[a-z]+'": {"name": {"value": "A", "kind": "str", "text": "A"}},
		"Parameter 'replicas': value 11 exceeds maximum 10.0": {"replicas": {"value": 11, "kind": "int", "text": "11"}},
	}
	changed := object.union(object.remove(request, ["params"]), {"params": object.union(kept(reason), params)})
	decision := agent_safe.decision with data.agent_safe as world with input as changed
	decision.result == "deny"
	decision.reason == sprintf("Invalid parameters: %s", [reason])
}

kept(reason) := {} if startswith(reason, "Missing")

kept(reason) := request.params if not startswith(reason, "Missing")

test_strict_mode_denies_what_is_unsafe if {
	decided({"caller": {"kind": "bare"}}).reason == "Caller is not authenticated"
	decided({"caller": {"kind": "invalid_token"}}).reason == "Identity token is not valid"
	decided({"target": "dev/node"}).reason == "Action scale does not apply to targets of type node"
	lax := object.union(world, {"strict": false})
	decision := agent_safe.decision with data.agent_safe as lax with input as object.union(request, {"caller": {"kind": "bare"}})
	decision.result == "allow"
}

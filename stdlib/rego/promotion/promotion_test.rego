package govc.promotion_test

import data.govc.promotion

request := {
	"actorId": "user-17",
	"actorRole": "policy_admin",
	"agent": {
		"roleClass": "compliance",
		"anatomy": {
			"reasoning": {"type": "rules", "temperature": 0.3},
			"inputs": ["ledger"],
			"actions": [{"type": "report"}],
			"memory": {"short_term": true},
		},
		"sandbox_constraints": {"external_calls": false, "persistent_writes": false},
		"capabilities": ["summarize"],
		"economics": {"monthlyBudgetUsd": 400},
	},
	"orgLimits": {"maxMonthlyBudgetUsd": 400},
}

breaks := {
	"PERMISSION_DENIED": {"op": "replace", "path": "/actorRole", "value": "viewer"},
	"ANATOMY_INCOMPLETE": {"op": "replace", "path": "/agent/anatomy/inputs", "value": []},
	"CONTAINMENT_VIOLATION": {"op": "remove", "path": "/agent/sandbox_constraints/external_calls"},
	"INVALID_CAPABILITIES": {"op": "replace", "path": "/agent/capabilities", "value": []},
	"TEMPERATURE_VIOLATION": {"op": "replace", "path": "/agent/anatomy/reasoning/temperature", "value": 0.31},
	"BUDGET_EXCEEDED": {"op": "replace", "path": "/agent/economics/monthlyBudgetUsd", "value": 400.01},
}

test_allow if {
	promotion.result == {"allow": true, "denies": set(), "codes": set()} with input as request
}

test_all_combinations if {
	names := sort(object.keys(breaks))
	every number in numbers.range(0, 63) {
		chosen := {name | some i, name in names; bits.and(bits.rsh(number, i), 1) == 1}
		changed := json.patch(request, [breaks[name] | some name in chosen])
		result := promotion.result with input as changed
		result.codes == chosen
		count(result.denies) == count(chosen)
		allowed := number == 0
		result.allow == allowed
	}
}

test_every_constraint_and_part_is_named if {
	empty := promotion.violations with input as {}
	count(empty) == 10
}

test_settings_replace_defaults if {
	settings := {"promotion": {"roles": ["owner"], "temperature": {"compliance": 0.1}}}
	result := promotion.result with input as request with data.govc.settings as settings
	result.codes == {"PERMISSION_DENIED", "TEMPERATURE_VIOLATION"}
}

test_unknown_role_class_is_a_violation if {
	changed := json.patch(request, [{"op": "replace", "path": "/agent/roleClass", "value": "Compliance"}])
	result := promotion.result with input as changed
	result.codes == {"TEMPERATURE_VIOLATION"}
}

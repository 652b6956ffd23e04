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

with_change(path, value) := json.patch(request, [{"op": "add", "path": path, "value": value}])

without(path) := json.patch(request, [{"op": "remove", "path": path}])

codes_of(changed) := codes if codes := promotion.result.codes with input as changed

test_roles_are_exactly_those if {
	every role in ["agent_admin", "policy_admin"] {
		codes_of(with_change("/actorRole", role)) == set()
	}
	every role in ["", "viewer", "Agent_Admin", "agent_admin ", ["agent_admin"], null, true, 0] {
		codes_of(with_change("/actorRole", role)) == {"PERMISSION_DENIED"}
	}
	codes_of(without("/actorRole")) == {"PERMISSION_DENIED"}
}

test_parts_of_the_anatomy_are_there_and_not_empty if {
	every part in ["reasoning", "inputs", "actions", "memory"] {
		path := concat("/", ["/agent/anatomy", part])
		"ANATOMY_INCOMPLETE" in codes_of(without(path))
		every empty in [null, "", {}, [], 0, "text"] {
			"ANATOMY_INCOMPLETE" in codes_of(with_change(path, empty))
		}
	}
}

test_containment_is_exactly_false if {
	every field in ["external_calls", "persistent_writes"] {
		path := concat("/", ["/agent/sandbox_constraints", field])
		codes_of(without(path)) == {"CONTAINMENT_VIOLATION"}
		every value in [true, null, "false", 0, [], {}] {
			codes_of(with_change(path, value)) == {"CONTAINMENT_VIOLATION"}
		}
	}
	camel := {"externalCalls": false, "persistentWrites": false}
	codes_of(with_change("/agent/sandbox_constraints", camel)) == {"CONTAINMENT_VIOLATION"}
}

test_capabilities_are_names_that_are_known if {
	every none in [[], null, {}, "summarize", 7] {
		codes_of(with_change("/agent/capabilities", none)) == {"INVALID_CAPABILITIES"}
	}
	every strange in [null, 7, ["summarize"], true] {
		codes_of(with_change("/agent/capabilities/-", strange)) == {"INVALID_CAPABILITIES"}
	}
	settings := {"promotion": {"capabilities": ["summarize", "explain"]}}
	known := promotion.result with input as request with data.govc.settings as settings
	known.allow
	changed := with_change("/agent/capabilities/-", "exec-shell")
	unknown := promotion.result with input as changed with data.govc.settings as settings
	unknown == {
		"allow": false,
		"denies": {"capability `exec-shell` is not known"},
		"codes": {"INVALID_CAPABILITIES"},
	}
}

test_temperature_up_to_the_limit_of_the_role_class if {
	path := "/agent/anatomy/reasoning/temperature"
	every class, limit in {"compliance": 0.3, "analysis": 0.7, "ideation": 1.0} {
		of_class := with_change("/agent/roleClass", class)
		every temperature in [0, limit] {
			patch := {"op": "add", "path": path, "value": temperature}
			codes_of(json.patch(of_class, [patch])) == set()
		}
		every temperature in [limit + 0.00000001, -0.1, "NaN", "0.1", null, [0.1], true] {
			patch := {"op": "add", "path": path, "value": temperature}
			codes_of(json.patch(of_class, [patch])) == {"TEMPERATURE_VIOLATION"}
		}
	}
	codes_of(without(path)) == {"TEMPERATURE_VIOLATION"}
}

test_budget_and_rate_up_to_their_limits if {
	budget := "/agent/economics/monthlyBudgetUsd"
	every fine in [0, 399.99, 400] {
		codes_of(with_change(budget, fine)) == set()
	}
	every bad in [400.01, -1, "1e9", "400", null] {
		codes_of(with_change(budget, bad)) == {"BUDGET_EXCEEDED"}
	}
	codes_of(without(budget)) == {"BUDGET_EXCEEDED"}
	codes_of(without("/orgLimits/maxMonthlyBudgetUsd")) == {"BUDGET_EXCEEDED"}
	rate := "/agent/economics/rate_limit_per_min"
	every fine in [0, 60, 1000] {
		codes_of(with_change(rate, fine)) == set()
	}
	every bad in [1001, -1, "60", null, false] {
		codes_of(with_change(rate, bad)) == {"BUDGET_EXCEEDED"}
	}
}

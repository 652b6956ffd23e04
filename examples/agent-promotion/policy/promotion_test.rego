package promotion_test

import data.promotion

# A request that passes every check.
request := {
	"actorId": "user-17",
	"actorRole": "agent_admin",
	"agent": {
		"name": "ledger-analyst",
		"version": "1.4.0",
		"roleClass": "analysis",
		"anatomy": {
			"reasoning": {"type": "llm", "model": "m-large", "temperature": 0.5},
			"inputs": ["ledger"],
			"actions": [{"type": "report", "side_effects": false}],
			"memory": {"short_term": true},
		},
		"sandbox_constraints": {"external_calls": false, "persistent_writes": false},
		"capabilities": ["summarize"],
		"economics": {"monthlyBudgetUsd": 400},
	},
	"orgLimits": {"maxMonthlyBudgetUsd": 1000},
}

# One way to break each of the six checks, and the reason that it must give.
breaks := {
	"role": {
		"patch": {"op": "replace", "path": "/actorRole", "value": "viewer"},
		"reason": "role `viewer` may not promote agents",
	},
	"anatomy": {
		"patch": {"op": "remove", "path": "/agent/anatomy/memory"},
		"reason": "anatomy is incomplete: missing memory",
	},
	"containment": {
		"patch": {"op": "replace", "path": "/agent/sandbox_constraints/external_calls", "value": true},
		"reason": "sandbox is not contained: external_calls and persistent_writes must be false",
	},
	"capability": {
		"patch": {"op": "replace", "path": "/agent/capabilities", "value": []},
		"reason": "agent has no capability",
	},
	"temperature": {
		"patch": {"op": "replace", "path": "/agent/anatomy/reasoning/temperature", "value": 0.9},
		"reason": "temperature 0.9 is not within the limit for role class `analysis`",
	},
	"budget": {
		"patch": {"op": "replace", "path": "/agent/economics/monthlyBudgetUsd", "value": 4000},
		"reason": "monthly budget 4000 USD is not within the organisation's limit of 1000 USD",
	},
}

with_change(path, value) := json.patch(request, [{"op": "add", "path": path, "value": value}])

without(path) := json.patch(request, [{"op": "remove", "path": path}])

test_allow if {
	promotion.result == {"allow": true, "denies": set()} with input as request
}

test_each_single_deny if {
	every broken in breaks {
		changed := json.patch(request, [broken.patch])
		promotion.result == {"allow": false, "denies": {broken.reason}} with input as changed
	}
}

# Every subset of the six violations gives exactly the reasons of its members.
test_all_combinations if {
	names := ["role", "anatomy", "containment", "capability", "temperature", "budget"]
	every number in numbers.range(0, 63) {
		chosen := {name | some i, name in names; bits.and(bits.rsh(number, i), 1) == 1}
		changed := json.patch(request, [breaks[name].patch | some name in chosen])
		reasons := {breaks[name].reason | some name in chosen}
		result := promotion.result with input as changed
		result == {"allow": count(chosen) == 0, "denies": reasons}
	}
}

test_other_roles if {
	every role in ["", "Agent_Admin", "admin", ["agent_admin"], null, true] {
		not promotion.allow with input as with_change("/actorRole", role)
	}
	promotion.allow with input as with_change("/actorRole", "policy_admin")
	not promotion.allow with input as without("/actorRole")
}

test_parts_of_the_anatomy if {
	every part in ["reasoning", "inputs", "actions", "memory"] {
		path := concat("/", ["/agent/anatomy", part])
		not promotion.allow with input as without(path)
		every empty in [null, "", {}, []] {
			not promotion.allow with input as with_change(path, empty)
		}
	}
}

test_containment_is_exactly_false if {
	every field in ["external_calls", "persistent_writes"] {
		path := concat("/", ["/agent/sandbox_constraints", field])
		not promotion.allow with input as without(path)
		every value in [true, null, "false", 0] {
			not promotion.allow with input as with_change(path, value)
		}
	}
}

test_camel_case_is_not_containment if {
	constraints := {"externalCalls": false, "persistentWrites": false}
	not promotion.allow with input as with_change("/agent/sandbox_constraints", constraints)
}

test_temperature_limits if {
	limits := {"compliance": [0.3, 0.30000001], "analysis": [0.7, 0.70000001], "ideation": [1, 1.00000001]}
	every class, pair in limits {
		changed := with_change("/agent/roleClass", class)
		path := "/agent/anatomy/reasoning/temperature"
		promotion.allow with input as json.patch(changed, [{"op": "add", "path": path, "value": pair[0]}])
		not promotion.allow with input as json.patch(changed, [{"op": "add", "path": path, "value": pair[1]}])
	}
}

test_temperature_is_a_number_of_a_known_class if {
	every value in [-0.1, "0.1", "NaN", null, []] {
		not promotion.allow with input as with_change("/agent/anatomy/reasoning/temperature", value)
	}
	not promotion.allow with input as without("/agent/anatomy/reasoning/temperature")
	not promotion.allow with input as with_change("/agent/roleClass", "Compliance")
	not promotion.allow with input as without("/agent/roleClass")
}

test_budget if {
	promotion.allow with input as with_change("/agent/economics/monthlyBudgetUsd", 1000)
	every value in [1000.01, -1, "1e9", null] {
		not promotion.allow with input as with_change("/agent/economics/monthlyBudgetUsd", value)
	}
	not promotion.allow with input as without("/agent/economics")
	not promotion.allow with input as without("/orgLimits")
	not promotion.allow with input as with_change("/orgLimits/maxMonthlyBudgetUsd", "1e9")
}

test_nothing_is_denied_six_times if {
	count(promotion.denies) == 6 with input as {}
}

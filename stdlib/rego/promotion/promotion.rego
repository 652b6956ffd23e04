# METADATA
# title: Promotion of agents
# description: |
#   The six checks of a promotion as a library: each violation has a stable code beside its text. Import it and add your own
#   rules, or take single checks. What a check needs beyond the request stands in `data.govc.settings.promotion`; without
#   it, the defaults below hold.
package govc.promotion

# METADATA
# title: What is wrong with the request
# description: Objects with `code` and `reason`; empty when the agent may be promoted.
violations contains {"code": "PERMISSION_DENIED", "reason": reason} if {
	not role_authorized
	reason := sprintf("role `%v` may not promote agents", [object.get(input, "actorRole", "")])
}

violations contains {"code": "ANATOMY_INCOMPLETE", "reason": reason} if {
	some part in setting("anatomy")
	not present(object.get(input, ["agent", "anatomy", part], null))
	reason := sprintf("anatomy is incomplete: missing %s", [part])
}

violations contains {"code": "CONTAINMENT_VIOLATION", "reason": reason} if {
	some constraint in ["external_calls", "persistent_writes"]
	not is_false(object.get(input, ["agent", "sandbox_constraints", constraint], null))
	reason := sprintf("sandbox is not contained: %s must be false", [constraint])
}

violations contains {"code": "INVALID_CAPABILITIES", "reason": "agent has no capability"} if not has_capability

violations contains {"code": "INVALID_CAPABILITIES", "reason": reason} if {
	has_capability
	some capability in input.agent.capabilities
	not known_capability(capability)
	reason := sprintf("capability `%v` is not known", [capability])
}

violations contains {"code": "TEMPERATURE_VIOLATION", "reason": reason} if {
	not temperature_within_limit
	reason := sprintf("temperature %v is not within the limit for role class `%v`", [
		object.get(input, ["agent", "anatomy", "reasoning", "temperature"], "(none)"),
		object.get(input, ["agent", "roleClass"], ""),
	])
}

violations contains {"code": "BUDGET_EXCEEDED", "reason": reason} if {
	not budget_within_limit
	reason := sprintf("monthly budget %v USD is not within the organisation's limit of %v USD", [
		object.get(input, ["agent", "economics", "monthlyBudgetUsd"], "(none)"),
		object.get(input, ["orgLimits", "maxMonthlyBudgetUsd"], "(none)"),
	])
}

violations contains {"code": "BUDGET_EXCEEDED", "reason": reason} if {
	rate := input.agent.economics.rate_limit_per_min
	not rate_within_limit(rate)
	reason := sprintf("rate of %v a minute is not within the limit of %v", [rate, setting("rate_limit_per_min")])
}

# METADATA
# title: The verdict
# description: "`allow`, the reasons as `denies`, and their codes."
# entrypoint: true
result := {"allow": count(violations) == 0, "denies": reasons, "codes": codes}

reasons contains violation.reason if some violation in violations

codes contains violation.code if some violation in violations

role_authorized if input.actorRole in setting("roles")

present(part) if {
	is_object(part)
	count(part) > 0
}

present(part) if {
	is_array(part)
	count(part) > 0
}

is_false(value) if value == false

has_capability if {
	is_array(input.agent.capabilities)
	count(input.agent.capabilities) > 0
}

# Without a list of those that are known, every name is.
known_capability(capability) if {
	is_string(capability)
	is_null(setting("capabilities"))
}

known_capability(capability) if capability in setting("capabilities")

temperature_within_limit if {
	temperature := input.agent.anatomy.reasoning.temperature
	is_number(temperature)
	temperature >= 0
	temperature <= setting("temperature")[input.agent.roleClass]
}

budget_within_limit if {
	budget := input.agent.economics.monthlyBudgetUsd
	limit := input.orgLimits.maxMonthlyBudgetUsd
	is_number(budget)
	is_number(limit)
	budget >= 0
	budget <= limit
}

rate_within_limit(rate) if {
	is_number(rate)
	rate >= 0
	rate <= setting("rate_limit_per_min")
}

defaults := {
	"roles": ["agent_admin", "policy_admin"],
	"anatomy": ["reasoning", "inputs", "actions", "memory"],
	"capabilities": null,
	"temperature": {"compliance": 0.3, "analysis": 0.7, "ideation": 1},
	"rate_limit_per_min": 1000,
}

setting(name) := object.get(object.get(data.govc.settings, "promotion", {}), name, defaults[name]) if data.govc.settings

setting(name) := defaults[name] if not data.govc.settings

# METADATA
# title: Promotion of an agent from sandbox to governed
# description: |
#   Six checks. Each one that does not hold adds one reason; an agent is promoted when none is left.
#   Every check names what must be true, so that a missing field fails it.
# schemas:
#   - input: schema.request
package promotion

# METADATA
# title: The verdict
# entrypoint: true
result := {"allow": allow, "denies": denies}

default allow := false

allow if count(denies) == 0

denies contains reason if {
	not role_authorized
	reason := sprintf("role `%v` may not promote agents", [object.get(input, "actorRole", "")])
}

denies contains reason if {
	not anatomy_complete
	reason := sprintf("anatomy is incomplete: missing %s", [concat(", ", missing_parts)])
}

denies contains "sandbox is not contained: external_calls and persistent_writes must be false" if not contained

denies contains "agent has no capability" if not has_capability

denies contains reason if {
	not temperature_within_limit
	reason := sprintf("temperature %v is not within the limit for role class `%v`", [
		object.get(input, ["agent", "anatomy", "reasoning", "temperature"], "(none)"),
		object.get(input, ["agent", "roleClass"], ""),
	])
}

denies contains reason if {
	not budget_within_limit
	reason := sprintf("monthly budget %v USD is not within the organisation's limit of %v USD", [
		object.get(input, ["agent", "economics", "monthlyBudgetUsd"], "(none)"),
		object.get(input, ["orgLimits", "maxMonthlyBudgetUsd"], "(none)"),
	])
}

# 1. The actor holds a role that may promote.
role_authorized if input.actorRole in data.promotion.roles

# 2. The minimum viable anatomy is there: every part present and not empty.
anatomy_complete if count(missing_parts) == 0

missing_parts contains part if {
	some part in data.promotion.anatomy
	not present(object.get(input, ["agent", "anatomy", part], null))
}

present(part) if {
	is_object(part)
	count(part) > 0
}

present(part) if {
	is_array(part)
	count(part) > 0
}

# 3. The sandbox can neither call out nor leave anything behind.
contained if {
	input.agent.sandbox_constraints.external_calls == false
	input.agent.sandbox_constraints.persistent_writes == false
}

# 4. The agent is there for something.
has_capability if {
	is_array(input.agent.capabilities)
	count(input.agent.capabilities) > 0
}

# 5. The role class bounds the temperature of the model.
temperature_within_limit if {
	temperature := input.agent.anatomy.reasoning.temperature
	is_number(temperature)
	temperature >= 0
	temperature <= data.promotion.temperature[input.agent.roleClass]
}

# 6. The budget stays within what the organisation grants.
budget_within_limit if {
	budget := input.agent.economics.monthlyBudgetUsd
	limit := input.orgLimits.maxMonthlyBudgetUsd
	is_number(budget)
	is_number(limit)
	budget >= 0
	budget <= limit
}

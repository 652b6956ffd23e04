# METADATA
# title: Access of an agent to a tool
# description: |
#   May this agent do this action on this target with these parameters now?
#   Anything forbidden or unknown is DENY; what is left and weighs much needs the approval of a person.
# schemas:
#   - input: schema.request
package access

# METADATA
# title: The verdict
# entrypoint: true
result := {
	"decision": decision,
	"reasons": reasons,
	"effective_risk": effective_risk,
	"obligations": obligations,
}

default decision := "DENY"

decision := "ALLOW" if {
	count(denies) == 0
	count(concerns) == 0
}

decision := "ALLOW" if {
	count(denies) == 0
	count(concerns) > 0
	count(live_approvals) > 0
}

decision := "REQUIRE_APPROVAL" if {
	count(denies) == 0
	count(concerns) > 0
	count(live_approvals) == 0
}

# What a reader is told: why not, or why a person must look, or by which approval.
reasons := denies if {
	count(denies) > 0
} else := concerns if {
	count(concerns) > 0
	count(live_approvals) == 0
} else := {sprintf("approved by %s (%s)", [a.approved_by, a.id]) | some a in live_approvals}

# An approval is good for one execution: the caller must burn it.
obligations := [{"type": "burn_approval", "id": approval.id} |
	decision == "ALLOW"
	count(concerns) > 0
	some approval in live_approvals
]

agent := data.agents[input.agent]

action := data.actions[input.action]

target := data.targets[input.target]

environment := data.environments[target.environment]

tool := data.tools[action.tool]

# METADATA
# description: The risk of the action seen together with the sensitivity of its target; critical when either is unknown.
default effective_risk := "critical"

effective_risk := data.risk[action.risk][target.sensitivity]

# --- DENY ---

denies contains "unknown agent" if not agent

denies contains "unknown action" if not action

denies contains "unknown target" if not target

denies contains "the time of the request is missing or not RFC 3339" if not now

denies contains reason if {
	agent
	not action.tool in agent.authorized_tools
	reason := sprintf("agent is not authorized for tool `%s`", [action.tool])
}

denies contains reason if {
	action
	not tool
	reason := sprintf("tool `%s` is not classified", [action.tool])
}

denies contains reason if {
	action
	not target.type in action.target_types
	reason := sprintf("action does not apply to targets of type `%s`", [target.type])
}

denies contains reason if {
	agent
	not environment_open
	reason := sprintf("no role of the agent may act in environment `%s`", [target.environment])
}

denies contains reason if {
	input.action in environment.forbidden_actions
	reason := sprintf("action is forbidden in environment `%s`", [target.environment])
}

denies contains reason if {
	some name, parameter in action.params
	parameter.required
	not has_param(name)
	reason := sprintf("parameter `%s` is missing", [name])
}

denies contains reason if {
	some name, value in params
	not action.params[name]
	action
	reason := sprintf("parameter `%s` is unknown", [name])
}

denies contains reason if {
	some name, value in params
	wanted := action.params[name].type
	type_name(value) != wanted
	reason := sprintf("parameter `%s` must be of type %s", [name, wanted])
}

# The executor acts on the parameters, so they must name the same place as the target.
denies contains reason if {
	params.namespace != target.namespace
	reason := sprintf("parameter `namespace` does not lie in target `%s`", [input.target])
}

environment_open if {
	some role in agent.roles
	role in environment.roles
}

params := object.get(input, "params", {})

has_param(name) if name in object.keys(params)

# --- REQUIRE_APPROVAL ---

concerns contains "effective risk is critical" if effective_risk == "critical"

concerns contains reason if {
	environment.requires_approval
	tool.sensitivity != "STANDARD"
	reason := sprintf("environment `%s` requires approval", [target.environment])
}

concerns contains reason if {
	tool.requires_approval
	reason := sprintf("tool `%s` requires approval", [action.tool])
}

# --- approvals ---

now := time.parse_rfc3339_ns(input.time)

# An approval counts for the identical action only, from somebody else than the agent, before its end.
live_approvals contains approval if {
	some approval in data.approvals
	approval.agent == input.agent
	approval.action == input.action
	approval.target == input.target
	approval.params == params
	approval.approved_by != input.agent
	now < time.parse_rfc3339_ns(approval.expires_at)
}

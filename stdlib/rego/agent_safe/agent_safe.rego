# METADATA
# title: Decisions of Agent-Safe
# description: |
#   Decides requests of agents over a registry of actions, an inventory of targets and rules with priorities, as the system
#   Agent-Safe does. These stand in `data.agent_safe` (`actions`, `targets`, `rules` by falling priority, `strict`); the
#   host brings them into this form, and the request too.
package govc.agent_safe

# METADATA
# title: The decision
# entrypoint: true
decision := object.union(outcome, {
	"action": input.action,
	"target": target_id,
	"caller": caller_id,
	"risk_class": risk_class,
	"effective_risk": effective_risk,
	"ticket_id": input.ticket_id,
})

default target_id := "unknown"

target_id := target.id

default caller_id := "anonymous"

caller_id := input.caller.agent_id

target := data.agent_safe.targets[input.target]

action := data.agent_safe.actions[input.action]

# What is not known is as risky as can be.
default risk_class := "critical"

risk_class := action.risk_class

effective_risk := risks[risk_class][sensitivity]

default sensitivity := "critical"

sensitivity := target.sensitivity

risks := {
	"low": {"public": "low", "internal": "low", "restricted": "medium", "critical": "high"},
	"medium": {"public": "low", "internal": "medium", "restricted": "high", "critical": "critical"},
	"high": {"public": "medium", "internal": "high", "restricted": "critical", "critical": "critical"},
	"critical": {"public": "high", "internal": "critical", "restricted": "critical", "critical": "critical"},
}

# The first that applies decides.
outcome := denial(sprintf("Unknown action: %s", [input.action])) if {
	not action
} else := denial(sprintf("Invalid parameters: %s", [concat("; ", faulty_parameters)])) if {
	count(faulty_parameters) > 0
} else := denial(concat("; ", unsafe)) if {
	data.agent_safe.strict
	count(unsafe) > 0
} else := {"result": rule.decision, "reason": rule.reason, "policy_matched": rule.name} if {
	rule := applicable[0]
} else := denial("No matching policy (default deny)")

denial(reason) := {"result": "deny", "reason": reason, "policy_matched": null}

# METADATA
# title: What strict mode does not take
# description: Agent-Safe lets these pass; each is a way around the rules.
unsafe := array.flatten([unsafe_caller, unsafe_target, strayed])

default unsafe_caller := []

unsafe_caller := ["Caller is not authenticated"] if input.caller.kind == "bare"

unsafe_caller := ["Identity token is not valid"] if input.caller.kind == "invalid_token"

default unsafe_target := []

unsafe_target := [sprintf("Action %s does not apply to targets of type %s", [input.action, target.type])] if {
	not target.type in action.target_types
}

# What is done follows the parameters: they must not lead out of the environment that the rules were asked about.
strayed := [sprintf("Parameter '%s' names %s, and the target is in %s", [name, given.value, target.environment]) |
	some name in {"environment", "namespace"}
	given := input.params[name]
	given.value in environments
	given.value != target.environment
]

environments := {environment | environment := data.agent_safe.targets[_].environment}

# Parameters

# Agent-Safe does not look for required parameters where none are given at all.
default faulty_parameters := []

faulty_parameters := array.concat(array.concat(missing, unknown), wrong) if parameters_matter

parameters_matter if count(input.params) > 0

parameters_matter if data.agent_safe.strict

missing := [sprintf("Missing required parameter: %s", [parameter.name]) |
	some parameter in action.parameters
	parameter.required
	not input.params[parameter.name]
]

unknown := [sprintf("Unknown parameter: %s", [name]) |
	some name, _ in input.params
	not name in {parameter.name | some parameter in action.parameters}
]

wrong := [sprintf("Parameter '%s': %s", [parameter.name, fault]) |
	some parameter in action.parameters
	given := input.params[parameter.name]
	some fault in faults(parameter, given)
]

faults(parameter, given) := [sprintf("expected %s, got %s", [parameter.type, given.kind])] if {
	not given.kind in kinds[parameter.type]
} else := [fault | some fault in constraint_faults(parameter.constraints, given)]

kinds := {
	"string": {"str"},
	"integer": {"int"},
	"number": {"int", "float"},
	"boolean": {"bool"},
	"array": {"list"},
}

numbers := {"int", "float"}

constraint_faults(constraints, given) := array.flatten([
	[sprintf("value %s is below minimum %s", [given.text, constraints.min_text]) |
		given.kind in numbers
		given.value < constraints.min_value
	],
	[sprintf("value %s exceeds maximum %s", [given.text, constraints.max_text]) |
		given.kind in numbers
		given.value > constraints.max_value
	],
	[sprintf("length %d is below minimum %d", [count(given.value), constraints.min_length]) |
		given.kind == "str"
		count(given.value) < constraints.min_length
	],
	[sprintf("length %d exceeds maximum %d", [count(given.value), constraints.max_length]) |
		given.kind == "str"
		count(given.value) > constraints.max_length
	],
	[sprintf("value does not match pattern '%s'", [constraints.pattern]) |
		given.kind == "str"
		not regex.match(constraints.pattern_regex, given.value)
	],
	[sprintf("value '%s' not in allowed values %s", [given.text, constraints.enum_text]) |
		not given.text in constraints.enum
		constraints.enum
	],
])

# Rules

applicable := [rule |
	some rule in data.agent_safe.rules
	applies(rule)
]

applies(rule) if {
	some pattern in rule.actions
	regex.match(pattern, input.action)
	fits_target(rule)
	fits_caller(rule)
	fits_risk(rule)
	fits_time(rule)
	object.get(rule, "require_ticket", null) in {null, has_ticket}
}

fits_target(rule) if not rule.targets

fits_target(rule) if {
	among(rule.targets, "environments", target.environment)
	among(rule.targets, "sensitivities", target.sensitivity)
	among(rule.targets, "types", target.type)
	every label, value in object.get(rule.targets, "labels", {}) {
		target.labels[label] == value
	}
}

fits_caller(rule) if not rule.callers

fits_caller(rule) if {
	caller := input.caller
	among(rule.callers, "agent_ids", caller.agent_id)
	any_among(rule.callers, "roles", caller.roles)
	any_among(rule.callers, "groups", caller.groups)
	any_among(rule.callers, "delegated_from", caller.delegation_chain)
	object.get(rule.callers, "max_delegation_depth", caller.delegation_depth) >= caller.delegation_depth
	object.get(rule.callers, "require_delegation", null) in {null, caller.delegation_depth > 0}
}

fits_risk(rule) if among(rule, "risk_classes", effective_risk)

fits_time(rule) if not rule.time_windows

fits_time(rule) if {
	some window in rule.time_windows
	among(window, "days", input.time.weekday)
	in_hours(window, input.time.hour)
}

in_hours(window, hour) if {
	window.start_hour <= window.end_hour
	window.start_hour <= hour
	hour <= window.end_hour
}

# A window may go over midnight.
in_hours(window, hour) if {
	window.start_hour > window.end_hour
	hour >= window.start_hour
}

in_hours(window, hour) if {
	window.start_hour > window.end_hour
	hour <= window.end_hour
}

default has_ticket := false

has_ticket if not ticket in {null, ""}

# A blank is no ticket, though Agent-Safe takes it for one.
ticket := trim_space(input.ticket_id) if {
	data.agent_safe.strict
	is_string(input.ticket_id)
} else := input.ticket_id

# A selector that says nothing about a field takes all.
among(selector, field, _) if not selector[field]

among(selector, field, value) if value in selector[field]

any_among(selector, field, _) if not selector[field]

any_among(selector, field, values) if {
	some value in values
	value in selector[field]
}

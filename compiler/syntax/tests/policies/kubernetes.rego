package kubernetes.admission

import rego.v1

operations := {"CREATE", "UPDATE"}

is_pod if input.request.kind.kind == "Pod"

containers contains container if {
	is_pod
	some container in input.request.object.spec.containers
}

containers contains container if {
	some container in input.request.object.spec.template.spec.containers
}

deny contains msg if {
	input.request.operation in operations
	some c in containers
	not startswith(c.image, "registry.example.com/")
	msg := sprintf(
		"image %q of container %q comes from an untrusted registry",
		[c.image, c.name],
	)
}

deny contains msg if {
	some i, c in input.request.object.spec.containers
	c.securityContext.privileged == true
	msg := concat(" ", ["container", format_int(i, 10), "is privileged"])
}

deny contains `the label "team" is missing` if {
	not input.request.object.metadata.labels.team
}

memory(quantity) := to_number(trim_suffix(quantity, "Mi")) if {
	endswith(quantity, "Mi")
} else := to_number(trim_suffix(quantity, "Gi")) * 1024 if {
	endswith(quantity, "Gi")
} else := 0

too_big contains c.name if {
	some c in containers
	memory(c.resources.limits.memory) > 2048
}

main := {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}

default uid := ""

uid := input.request.uid

response := {"allowed": true, "uid": uid} if count(deny) == 0

response := {
	"allowed": false,
	"uid": uid,
	"status": {"reason": concat("; ", sort(deny))},
} if {
	count(deny) > 0
}

pairs := [[a, b] |
	some a in [1, 2, 3]
	some b in [3, 4, 5]
	a + b == 6
]

first := x if {
	[x, _, {"k": v}] := input.list
	v >= -1.5e3
}

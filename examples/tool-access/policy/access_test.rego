package access_test

import data.access

request(agent, action, target, params) := {
	"agent": agent,
	"action": action,
	"target": target,
	"params": params,
	"time": "2026-01-05T10:00:00Z",
}

restart(target, namespace) := request("deploy-agent-01", "restart-deployment", target, {
	"namespace": namespace,
	"deployment": "api-server",
})

scale(target, namespace) := request("deploy-agent-01", "scale-deployment", target, {
	"namespace": namespace,
	"deployment": "api-server",
	"replicas": 6,
})

logs(agent, target, namespace) := request(agent, "get-pod-logs", target, {"namespace": namespace})

patched(base, path, value) := json.patch(base, [{"op": "add", "path": path, "value": value}])

denied_for(asked, reason) if {
	result := access.result with input as asked
	result.decision == "DENY"
	result.reasons == {reason}
}

test_dev_and_staging_are_open if {
	every asked in [
		restart("dev/test-app", "dev"), restart("staging/api-server", "staging"),
		scale("staging/api-server", "staging"), logs("report-agent-01", "dev/debug-pod", "dev"),
		logs("report-agent-01", "staging/api-server", "staging"),
	] {
		result := access.result with input as asked
		result.decision == "ALLOW"
		result.reasons == set()
		result.obligations == []
	}
}

test_prod_needs_approval if {
	asked := patched(restart("prod/api-server", "prod"), "/params/deployment", "other")
	result := access.result with input as asked
	result.decision == "REQUIRE_APPROVAL"
	result.reasons == {"effective risk is critical", "environment `prod` requires approval"}
	result.obligations == []
}

test_approved_action_is_allowed_and_burns_its_approval if {
	result := access.result with input as restart("prod/api-server", "prod")
	result.decision == "ALLOW"
	result.reasons == {"approved by user-17 (apr-0001)"}
	result.obligations == [{"type": "burn_approval", "id": "apr-0001"}]
}

test_approval_expires if {
	base := restart("prod/api-server", "prod")
	before := access.decision with input as patched(base, "/time", "2026-01-05T11:59:59.999999999Z")
	before == "ALLOW"
	at := access.decision with input as patched(base, "/time", "2026-01-05T12:00:00Z")
	at == "REQUIRE_APPROVAL"
	elsewhere := access.decision with input as patched(base, "/time", "2026-01-05T14:00:00+02:00")
	elsewhere == "REQUIRE_APPROVAL"
}

test_nobody_approves_himself if {
	result := access.result with input as scale("prod/api-server", "prod")
	result.decision == "REQUIRE_APPROVAL"
}

test_restricted_tool_needs_approval if {
	asked := request("debug-agent-01", "exec-pod", "dev/debug-pod", {
		"namespace": "dev",
		"pod": "debug-pod",
		"command": ["ls"],
	})
	result := access.result with input as asked
	result.decision == "REQUIRE_APPROVAL"
	result.reasons == {"tool `cluster-shell` requires approval"}
	result.effective_risk == "medium"
}

test_reading_prod_needs_no_approval if {
	result := access.result with input as logs("deploy-agent-01", "prod/api-server", "prod")
	result.decision == "ALLOW"
	result.effective_risk == "high"
}

test_denials if {
	denied_for(logs("nobody", "dev/test-app", "dev"), "unknown agent")
	denied_for(patched(restart("dev/test-app", "dev"), "/action", "restart-deploiment"), "unknown action")
	denied_for(restart("dev/nothing", "dev"), "unknown target")
	denied_for(
		patched(restart("dev/test-app", "dev"), "/agent", "report-agent-01"),
		"agent is not authorized for tool `cluster-write`",
	)
	denied_for(
		request("deploy-agent-01", "delete-namespace", "dev/test-app", {"namespace": "dev"}),
		"action does not apply to targets of type `k8s-deployment`",
	)
	denied_for(
		logs("debug-agent-01", "staging/api-server", "staging"),
		"no role of the agent may act in environment `staging`",
	)
	denied_for(
		request("deploy-agent-01", "delete-namespace", "prod/payments-ns", {"namespace": "payments"}),
		"action is forbidden in environment `prod`",
	)
	denied_for(
		patched(restart("dev/test-app", "dev"), "/params/namespace", "prod"),
		"parameter `namespace` does not lie in target `dev/test-app`",
	)
}

test_parameters if {
	base := restart("dev/test-app", "dev")
	denied_for(json.remove(base, ["params/deployment"]), "parameter `deployment` is missing")
	denied_for(patched(base, "/params/force", true), "parameter `force` is unknown")
	denied_for(patched(base, "/params/deployment", 7), "parameter `deployment` must be of type string")
	missing := access.denies with input as json.remove(base, ["params"])
	missing == {"parameter `deployment` is missing", "parameter `namespace` is missing"}
}

test_tool_must_be_classified if {
	result := access.result with input as logs("report-agent-01", "dev/test-app", "dev") with data.tools as {}
	result.decision == "DENY"
	result.reasons == {"tool `cluster-read` is not classified"}
}

test_time_is_needed if {
	reason := "the time of the request is missing or not RFC 3339"
	denied_for(json.remove(restart("dev/test-app", "dev"), ["time"]), reason)
	denied_for(patched(restart("dev/test-app", "dev"), "/time", "today"), reason)
}

test_empty_request_is_denied if {
	access.decision == "DENY" with input as {}
	access.effective_risk == "critical" with input as {}
	access.decision == "DENY" with input as null
}

# The matrix never lowers a risk when the action or the target weighs more.
test_matrix_is_monotone if {
	rank := {"low": 0, "medium": 1, "high": 2, "critical": 3}
	risks := ["low", "medium", "high", "critical"]
	sensitivities := ["public", "internal", "restricted", "critical"]
	every i in [0, 1, 2] {
		every j in [0, 1, 2, 3] {
			rank[data.risk[risks[i]][sensitivities[j]]] <= rank[data.risk[risks[i + 1]][sensitivities[j]]]
			rank[data.risk[risks[j]][sensitivities[i]]] <= rank[data.risk[risks[j]][sensitivities[i + 1]]]
		}
	}
}

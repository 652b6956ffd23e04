# Every shape of result that the engine reads, and the outside world.
package verdicts

import rego.v1

yes := true

no := false

maybe if input.x == 1

number := 7

text := "ALLOW"

empty := {}

says contains "a reason"

allow := {"allow": true, "warnings": ["soon"], "obligations": [{"type": "log", "n": 1.50}, "notify"]}

deny := {"allow": false, "denies": {"b", "a"}}

objects := {"allow": false, "deny": [{"msg": "one"}, {"reason": "two", "code": 2}, {"message": "three"}, {"other": 4}]}

approve := {"decision": "REQUIRE_APPROVAL", "reasons": ["prod"]}

lower := {"effect": "require_approval"}

spelled := {"decision": "Allow"}

unknown := {"decision": "PERMIT", "allow": true}

contradicts := {"allow": true, "denies": ["but no"]}

disagrees := {"decision": "ALLOW", "allow": false}

text_allow := {"allow": "true"}

null_allow := {"allow": null}

conflict := 1 if input.x

conflict := 2 if input.y

endless := count([1 |
	some i in numbers.range(1, 10000)
	some j in numbers.range(1, 10000)
	i * j == -1
])

large := [x | some x in numbers.range(1, 20000)]

echo := input

now := {"allow": time.now_ns() < 2000000000000000000, "now": time.now_ns()}

dice := {"allow": true, "thrown": [rand.intn("a", 6), rand.intn("a", 6), rand.intn("b", 1000000)], "id": uuid.rfc4122("k")}

limit := data.limits.max

printed if print("seen", input)

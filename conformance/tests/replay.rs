//! Distinct decisions of the examples, made again from bundle, input and recorded answers: bit for bit.
//!
//! The surprising fact: the examples ask nothing of the world. A module beside them does, and passes on what they say, so that
//! the answers of clock, randomness and network are part of what is decided.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use govc_conformance::fixtures::Fixture;
use govc_conformance::repository;
use govc_engine::proof::{self, Proof};
use govc_engine::{
    Engine, Host, HostError, Policy, Query, Scratch, SigningKey, Trust, VerifyingKey, generate_key,
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicI64, Ordering};

/// Asks the world for what the request wants to know of it, and says what the example says.
const WORLD: &str = r#"package replay

result := object.union(said, {"world": answers}) if {
	said := data.RULE with input as object.remove(input, ["world", "url"])
}

answers := {answer | some answer in asked}

asked contains {"now": time.now_ns()} if input.world == "time"

asked contains {"dice": [rand.intn("first", 1000000), rand.intn("second", 6)]} if input.world == "random"

asked contains {"answer": http.send({"method": "GET", "url": input.url}).body} if input.world == "http"
"#;

/// Every answer is another.
#[derive(Default)]
struct Strange(AtomicI64);

impl Strange {
    fn next(&self) -> i64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

impl Host for Strange {
    fn now_ns(&self) -> Option<i64> {
        Some(1_767_600_000_000_000_000 + self.next() * 7_919)
    }

    fn call(&self, builtin: &str, args: &str) -> Result<String, HostError> {
        let next = self.next();
        match builtin {
            "rand.intn" => Ok(next.to_string()),
            "http.send" => {
                let body = json!({"n": next, "asked": args, "price": 1.50, "e": "\u{2028}é"});
                Ok(json!({"status": "200 OK", "status_code": 200, "headers": {}, "body": body, "raw_body": ""}).to_string())
            }
            _ => Err(HostError::Off),
        }
    }
}

/// A hundred and more of them ask the world, a third each of time, random numbers and network.
fn worldly(number: usize, request: &mut Value) {
    let what = match number % 8 {
        0 => "time",
        1 => "random",
        2 => "http",
        _ => return,
    };
    request["world"] = json!(what);
    request["url"] = json!(format!("https://example.com/{number}"));
}

struct Example {
    name: &'static str,
    rule: &'static str,
    verdicts: &'static [&'static str],
    request: fn(usize) -> Value,
}

fn promotion(number: usize) -> Value {
    let text = std::fs::read(repository().join("examples/agent-promotion/inputs/allow.json")).unwrap();
    let mut request: Value = serde_json::from_slice(&text).unwrap();
    request["agent"]["agentId"] = json!(number);
    request["agent"]["name"] = json!(format!("agent-{number}"));
    if number % 2 == 1 {
        match number / 2 % 6 {
            0 => request["actorRole"] = json!(format!("viewer-{number}")),
            1 => request["agent"]["anatomy"]["memory"] = json!({}),
            2 => request["agent"]["sandbox_constraints"]["external_calls"] = json!(true),
            3 => request["agent"]["capabilities"] = json!([]),
            4 => request["agent"]["anatomy"]["reasoning"]["temperature"] = json!(1.0 + number as f64 / 7.0),
            _ => request["agent"]["economics"]["monthlyBudgetUsd"] = json!(1_000_000 + number),
        }
    }
    request
}

fn access(number: usize) -> Value {
    let time = format!("2026-01-05T{:02}:{:02}:{:02}Z", 8 + number / 3600 % 4, number / 60 % 60, number % 60);
    let read = json!({"agent": "report-agent-01", "action": "get-pod-logs", "target": "dev/test-app", "time": time,
        "params": {"namespace": "dev", "tail_lines": number}});
    let scale = json!({"agent": "deploy-agent-01", "action": "scale-deployment", "target": "prod/api-server",
        "time": time, "params": {"namespace": "prod", "deployment": "api-server", "replicas": number + 10}});
    let shell = json!({"agent": "report-agent-01", "action": "exec-pod", "target": "prod/payments-ns", "time": time,
        "params": {"namespace": "prod", "pod": format!("pod-{number}"), "command": ["sh"]}});
    [read, scale, shell][number % 3].clone()
}

const EXAMPLES: [Example; 2] = [
    Example {
        name: "agent-promotion",
        rule: "promotion.result",
        verdicts: &["ALLOW", "DENY"],
        request: promotion,
    },
    Example {
        name: "tool-access",
        rule: "access.result",
        verdicts: &["ALLOW", "DENY", "REQUIRE_APPROVAL"],
        request: access,
    },
];

impl Example {
    fn policy(&self) -> Policy {
        let folder = repository().join("examples").join(self.name);
        let mut fixture = Fixture::example(&folder, "replay/result");
        fixture.sources.insert("replay.rego".to_owned(), WORLD.replace("RULE", self.rule));
        Engine::load(&fixture.bundle(), &Trust::unsigned()).unwrap()
    }
}

/// Decides, proves, opens the proof elsewhere and decides again. Gives the verdict, and whether the world was asked.
fn once(
    policy: &Policy,
    request: &Value,
    host: &Strange,
    key: &SigningKey,
    keys: &[VerifyingKey],
) -> (String, bool) {
    let input = request.to_string();
    let query = Query::new("replay/result").input_json(input.as_bytes()).host(host);
    let decision = policy.decide(&mut Scratch::new(), &query);
    assert_eq!(decision.error(), None, "{input}");
    let envelope = Proof::of(&decision, Some(input.as_bytes())).unwrap().sign(key).unwrap();
    let again = proof::check(envelope.as_bytes(), keys, policy).unwrap().decision;
    assert_eq!(again.to_json(), decision.to_json(), "bit for bit");
    (decision.effect().name().to_owned(), !decision.answers().is_empty())
}

#[test]
fn distinct_decisions_of_each_example_replay_bit_for_bit() {
    const DECISIONS: usize = 1200;
    let (private, public) = generate_key().unwrap();
    let key = SigningKey::from_pem(&private).unwrap();
    let keys = [VerifyingKey::from_pem(&public).unwrap()];
    for example in &EXAMPLES {
        let (policy, host) = (example.policy(), Strange::default());
        let (mut verdicts, mut requests, mut asked) = (BTreeMap::<String, usize>::new(), BTreeSet::new(), 0);
        for number in 0..DECISIONS {
            let mut request = (example.request)(number);
            worldly(number, &mut request);
            let (verdict, world) = once(&policy, &request, &host, &key, &keys);
            *verdicts.entry(verdict).or_default() += 1;
            asked += usize::from(world);
            requests.insert(request.to_string());
        }
        println!(
            "{}: {} decisions replayed, {verdicts:?}, {asked} with recorded answers",
            example.name,
            requests.len()
        );
        assert_eq!(requests.len(), DECISIONS, "distinct");
        assert_eq!(verdicts.keys().collect::<Vec<_>>(), example.verdicts);
        assert!(verdicts.values().all(|count| count * 3 >= 1000), "{verdicts:?}");
        assert!(asked >= 300, "{asked}");
    }
}

//! Attacks on decisions: each is tried on `govc decide --world` in its strict mode, and none may end in an allow.

use super::KEY;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Output;
use std::time::{Duration, Instant};

const ACTION: &str = r#"
name: empty-cache
version: "1.0.0"
description: Empties a cache
parameters:
  - {name: cache, type: string, required: true, constraints: {pattern: "(a+)+b?"}}
  - {name: namespace, type: string, required: false}
risk_class: low
target_types: [cache]
"#;

const INVENTORY: &str = "
targets:
  - {id: dev/cache, type: cache, environment: dev, sensitivity: public, owner: us}
  - {id: prod/cache, type: cache, environment: prod, sensitivity: public, owner: us}
  - {id: dev/node, type: node, environment: dev, sensitivity: public, owner: us}
";

const OPEN: &str = "
rules:
  - {name: open, priority: 1, match: {targets: {environments: [dev]}}, decision: allow, reason: dev is open}
";

/// A folder that allows everything in dev.
struct World(tempfile::TempDir);

impl World {
    fn new() -> Self {
        let world = Self(tempfile::tempdir().unwrap());
        world.put("actions/empty.yaml", ACTION);
        world.put("inventory.yaml", INVENTORY);
        world.put("policies/open.yaml", OPEN);
        world
    }

    fn put(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Asks under a key of tokens.
    fn ask(&self, request: &Value, key: &str) -> Output {
        self.put("requests.jsonl", &json!({"id": 1, "request": request}).to_string());
        std::process::Command::new(env!("CARGO_BIN_EXE_govc"))
            .env("GOVC_IDENTITY_KEY", key)
            .arg("decide")
            .args([
                "--world".into(),
                self.0.path().to_owned(),
                "--requests".into(),
                self.path("requests.jsonl"),
            ])
            .output()
            .unwrap()
    }

    /// The decision; the request must be decided.
    fn decide(&self, request: &Value) -> Value {
        let output = self.ask(request, KEY);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice::<Value>(&output.stdout).unwrap()["decision"].clone()
    }

    fn assert_denied(&self, request: &Value, reason: &str) {
        let decision = self.decide(request);
        assert_eq!((decision["result"].as_str(), decision["reason"].as_str()), (Some("deny"), Some(reason)));
    }

    /// The world is not taken at all.
    fn assert_refused(&self, why: &str) {
        let output = self.ask(&good(), KEY);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), said.contains(why)), (Some(2), true), "{said}");
        assert!(output.stdout.is_empty());
    }
}

/// A request that is allowed.
fn good() -> Value {
    let caller = json!({"kind": "identity", "agent_id": "worker", "roles": [], "groups": []});
    json!({"action": "empty-cache", "target": "dev/cache", "caller": caller, "params": {"cache": "aab"}})
}

fn with(name: &str, value: Value) -> Value {
    let mut request = good();
    request[name] = value;
    request
}

/// The tests below would pass if nothing were ever allowed.
#[test]
fn what_is_no_attack_is_allowed() {
    assert_eq!(World::new().decide(&good())["result"], "allow");
}

#[test]
fn a12_a_bare_name_is_nobody() {
    let boss = with("caller", json!({"kind": "bare", "agent_id": "boss"}));
    World::new().assert_denied(&boss, "Caller is not authenticated");
}

#[test]
fn a13_a_forged_token_is_nobody_and_is_not_logged() {
    let token = "eyJhbGciOiJub25lIn0.eyJhZ2VudF9pZCI6ImJvc3MifQ.";
    let forged = with("caller", json!({"kind": "token", "token": token, "claims": {"agent_id": "boss"}}));
    let world = World::new();
    world.assert_denied(&forged, "Identity token is not valid");
    assert!(!world.decide(&forged).to_string().contains(token));
}

#[test]
fn a15_a_short_key_is_refused() {
    for key in ["", "a", &KEY[..31]] {
        let output = World::new().ask(&good(), key);
        assert_eq!(output.status.code(), Some(2), "{key}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn a16_required_parameters_are_required_where_none_is_given() {
    for none in [json!({}), Value::Null] {
        World::new()
            .assert_denied(&with("params", none), "Invalid parameters: Missing required parameter: cache");
    }
}

#[test]
fn a17_actions_apply_to_their_types_of_targets() {
    World::new().assert_denied(
        &with("target", json!("dev/node")),
        "Action empty-cache does not apply to targets of type node",
    );
}

#[test]
fn a18_parameters_stay_in_the_environment_of_the_target() {
    World::new().assert_denied(
        &with("params", json!({"cache": "a", "namespace": "prod"})),
        "Parameter 'namespace' names prod, and the target is in dev",
    );
}

#[test]
fn a20_a_missing_inventory_is_an_error() {
    let world = World::new();
    std::fs::remove_file(world.path("inventory.yaml")).unwrap();
    world.assert_refused("no such file or directory");
}

#[test]
fn a21_a_misspelt_selector_is_an_error() {
    let world = World::new();
    world
        .put("policies/slip.yaml", "rules: [{name: slip, match: {action: [x]}, decision: allow, reason: x}]");
    world.assert_refused("rule `slip`: unknown field `action`");
}

#[test]
fn a22_an_alias_bomb_is_refused_at_once() {
    let world = World::new();
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let below = vec![format!("*a{}", level - 1); 9].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{below}]\n"));
    }
    world.put("policies/bomb.yaml", &format!("{bomb}rules: []\n"));
    let start = Instant::now();
    world.assert_refused("excessive aliasing");
    assert!(start.elapsed() < Duration::from_secs(20));
}

#[test]
fn a23_patterns_take_linear_time() {
    let start = Instant::now();
    let long = with("params", json!({"cache": format!("{}c", "a".repeat(100_000))}));
    assert_eq!(World::new().decide(&long)["result"], "deny");
    assert!(start.elapsed() < Duration::from_secs(20));
}

#[test]
fn a30_a_blank_is_no_ticket() {
    let world = World::new();
    let rule = "rules: [{name: open, match: {require_ticket: true}, decision: allow, reason: x}]";
    world.put("policies/open.yaml", rule);
    for blank in [json!(null), json!(""), json!(" "), json!("\t\n")] {
        world.assert_denied(&with("ticket_id", blank), "No matching policy (default deny)");
    }
    assert_eq!(world.decide(&with("ticket_id", json!("OPS-1")))["result"], "allow");
}

#[test]
fn a34_a_key_that_stands_twice_is_an_error() {
    let world = World::new();
    let rule = "rules: [{name: twice, match: {}, decision: deny, decision: allow, reason: x}]";
    world.put("policies/open.yaml", rule);
    world.assert_refused("a key stands twice");
}

#[test]
fn a35_names_of_files_decide_nothing() {
    for name in ["policies/a.yaml", "policies/z.yaml"] {
        let world = World::new();
        let rule = "rules: [{name: shut, priority: 1, match: {}, decision: deny, reason: dev is shut}]";
        world.put(name, rule);
        world.assert_denied(&good(), "dev is shut");
    }
}

/// Decides a sequence of requests under limits, a second apart.
fn sequence(limits: Value, requests: &[Value]) -> Vec<(String, String)> {
    let world = World::new();
    let steps: Vec<Value> =
        requests.iter().enumerate().map(|(t, request)| json!({"t": t, "request": request})).collect();
    let mut line = limits;
    line["id"] = json!(1);
    line["steps"] = json!(steps);
    world.put("sequences.jsonl", &line.to_string());
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_govc"))
        .env("GOVC_IDENTITY_KEY", KEY)
        .args(["decide".into(), "--world".into(), world.0.path().to_owned()])
        .args(["--sequences".into(), world.path("sequences.jsonl")])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |decision: &Value, name: &str| decision[name].as_str().unwrap().to_owned();
    let decisions = answer["decisions"].as_array().unwrap().iter();
    decisions.map(|decision| (text(decision, "result"), text(decision, "reason"))).collect()
}

#[test]
fn a26_other_names_are_no_other_limits() {
    let bare = |name: &str| with("caller", json!({"kind": "bare", "agent_id": name}));
    let limits = json!({"rate_limit": {"max_requests": 2, "window_seconds": 60.0}});
    let decisions = sequence(limits, &[bare("a"), bare("b"), bare("c"), good()]);
    let away = "Rate limit exceeded for caller 'anonymous': 2 requests per 60s window.";
    assert_eq!(decisions[2], ("deny".to_owned(), away.to_owned()));
    assert_eq!(decisions[3].0, "allow", "who has proved his name has a limit of his own");
}

#[test]
fn a27_nobody_locks_out_another_under_his_name() {
    let bare = with("caller", json!({"kind": "bare", "agent_id": "worker"}));
    let limits = json!({"rate_limit": {
        "max_requests": 100, "window_seconds": 60.0, "circuit_breaker_threshold": 3,
        "circuit_breaker_window_seconds": 60.0, "circuit_breaker_cooldown_seconds": 300.0,
    }});
    let decisions = sequence(limits, &[bare.clone(), bare.clone(), bare.clone(), bare, good()]);
    assert!(decisions[3].1.starts_with("Circuit breaker open for caller 'anonymous'"), "{decisions:?}");
    assert_eq!(decisions[4].0, "allow", "the one who has proved that name is not locked out");
}

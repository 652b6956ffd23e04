//! Faults at admission: whatever breaks, no agent starts.
//!
//! The surprising fact: most of these leave a proof whose signature would verify, or a state that a careless reader would take
//! for a good one. Each fault is put to a gate without memory and to one that remembers the good proof.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod common;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::{NOW, authority, engine_tests, policy, request, request_json, signing, verifying};
use govc_engine::{Limits, VerifyingKey};
use govc_governance::admission::{Request, TrustedKeys, admit};
use govc_governance::promotion;
use govc_governance::revocation::Deadline;
use govc_governance::store::{self, SqliteStore, Store};
use govc_governance::{AgentSpec, RevocationList, Revocations, State};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// All that a start rests on.
#[derive(Clone)]
struct Start {
    spec: Value,
    state: State,
    proof: Option<Vec<u8>>,
    policy_hash: Option<String>,
    expires_at: Option<i64>,
    now: i64,
}

fn good(state: State) -> Start {
    let (policy, key) = (policy("agent-promotion"), signing("ed25519"));
    let promotion = promotion::decide(&authority(&policy, &key), &request(|_| ()));
    Start {
        spec: request_json()["agent"].clone(),
        state,
        proof: promotion.proof.map(String::into_bytes),
        policy_hash: Some(policy.policy_hash().to_owned()),
        expires_at: Some(NOW + 10),
        now: NOW,
    }
}

impl Start {
    fn allowed(&self, keys: &TrustedKeys, revocations: &dyn Revocations) -> bool {
        let Ok(spec) = AgentSpec::from_json(self.spec.to_string().as_bytes()) else { return false };
        let verdict = admit(&Request {
            spec: &spec,
            state: self.state.clone(),
            proof: self.proof.as_deref(),
            policy_hash: self.policy_hash.as_deref(),
            keys,
            revocations,
            expires_at: self.expires_at,
            now: self.now,
        });
        verdict.is_allow()
    }
}

/// Counts faults by kind, and that none of them allows.
#[derive(Default)]
struct Faults(BTreeMap<&'static str, (u64, u64)>);

impl Faults {
    fn outcome(&mut self, kind: &'static str, allowed: bool) {
        let (injected, allows) = self.0.entry(kind).or_default();
        *injected += 1;
        *allows += u64::from(allowed);
    }

    fn inject(&mut self, kind: &'static str, base: &Start, fault: impl FnOnce(&mut Start)) {
        self.inject_with(kind, base, &RevocationList::default(), fault);
    }

    fn inject_with(
        &mut self,
        kind: &'static str,
        base: &Start,
        revocations: &dyn Revocations,
        fault: impl FnOnce(&mut Start),
    ) {
        let keys = || vec![verifying("ed25519")];
        let warm = TrustedKeys::remembering(keys(), 8);
        assert!(base.allowed(&warm, &RevocationList::default()), "the base is good");
        let mut broken = base.clone();
        fault(&mut broken);
        let allowed =
            broken.allowed(&TrustedKeys::new(keys()), revocations) || broken.allowed(&warm, revocations);
        self.outcome(kind, allowed);
    }
}

/// Every place in a document below its root.
fn places(value: &Value, path: &str, found: &mut Vec<String>) {
    let mut below = |name: String, value: &Value| {
        let path = format!("{path}/{}", name.replace('~', "~0").replace('/', "~1"));
        found.push(path.clone());
        places(value, &path, found);
    };
    match value {
        Value::Object(map) => map.iter().for_each(|(name, value)| below(name.clone(), value)),
        Value::Array(list) => list.iter().enumerate().for_each(|(i, value)| below(i.to_string(), value)),
        _ => {}
    }
}

fn remove(document: &mut Value, place: &str) {
    let (parent, name) = place.rsplit_once('/').unwrap();
    match document.pointer_mut(parent).unwrap() {
        Value::Object(map) => drop(map.remove(&name.replace("~1", "/").replace("~0", "~"))),
        Value::Array(list) => drop(list.remove(name.parse().unwrap())),
        _ => unreachable!(),
    }
}

/// The same text in the other case; nothing where there is no letter.
fn other_case(value: &Value) -> Option<Value> {
    let text = value.as_str()?;
    let upper = text.to_uppercase();
    let other = if upper == text { text.to_lowercase() } else { upper };
    if other == text { None } else { Some(Value::String(other)) }
}

/// The document with the name of a member in the other case.
fn renamed(document: &Value, place: &str) -> Option<Value> {
    let (parent, name) = place.rsplit_once('/')?;
    let mut changed = document.clone();
    let members = changed.pointer_mut(parent)?.as_object_mut()?;
    let value = members.remove(name)?;
    members.insert(name.to_uppercase(), value);
    (changed != *document).then_some(changed)
}

/// What can be done to a document at a place: a field that is missing, `null`, or in another case.
fn damaged(document: &Value) -> Vec<(&'static str, Value)> {
    let mut found = Vec::new();
    let mut all = Vec::new();
    places(document, "", &mut found);
    for place in &found {
        all.extend(renamed(document, place).map(|changed| ("wrong case", changed)));
        let mut missing = document.clone();
        remove(&mut missing, place);
        all.push(("missing field", missing));
        let at = document.pointer(place).unwrap();
        let mut replace = |kind, new: Value| {
            let mut changed = document.clone();
            *changed.pointer_mut(place).unwrap() = new;
            all.push((kind, changed));
        };
        if !at.is_null() {
            replace("null", Value::Null);
        }
        if let Some(other) = other_case(at) {
            replace("wrong case", other);
        }
    }
    all
}

fn documents(faults: &mut Faults) {
    let governed = good(State::governed());
    let envelope: Value = serde_json::from_slice(governed.proof.as_ref().unwrap()).unwrap();
    for (kind, broken) in damaged(&envelope) {
        faults.inject(kind, &governed, |start| start.proof = Some(broken.to_string().into_bytes()));
    }
    let payload = STANDARD.decode(envelope["payload"].as_str().unwrap()).unwrap();
    let statement: Value = serde_json::from_slice(&payload).unwrap();
    for (kind, broken) in damaged(&statement) {
        let mut envelope = envelope.clone();
        envelope["payload"] = json!(STANDARD.encode(broken.to_string()));
        faults.inject(kind, &governed, |start| start.proof = Some(envelope.to_string().into_bytes()));
    }
    for (kind, broken) in damaged(&governed.spec) {
        faults.inject(kind, &governed, |start| start.spec = broken);
    }
    let sandbox = good(State::sandbox());
    for (kind, broken) in damaged(&sandbox.spec["sandbox_constraints"]) {
        let contained =
            broken["external_calls"] == json!(false) && broken["persistent_writes"] == json!(false);
        if !contained {
            faults.inject(kind, &sandbox, |start| start.spec["sandbox_constraints"] = broken);
        }
    }
}

fn states(faults: &mut Faults) {
    let texts =
        ["", "Governed", "GOVERNED", "governed ", "sandbox", "null", "GOVERNED_VALID", "governed_valid"];
    for text in texts {
        for base in [good(State::governed()), good(State::sandbox())] {
            if base.state.mode != text {
                faults.inject("state", &base, |start| start.state.mode = text.to_owned());
            }
            if base.state.status != text {
                faults.inject("state", &base, |start| start.state.status = text.to_owned());
            }
        }
    }
    let invalidated = "GOVERNED_INVALIDATED".to_owned();
    faults.inject("state", &good(State::governed()), |start| start.state.status = invalidated);
}

fn clocks(faults: &mut Faults) {
    let sandbox = good(State::sandbox());
    for late in [10, 11, 3600, 1 << 40, i64::MAX - NOW] {
        faults.inject("clock skew", &sandbox, |start| start.now = NOW + late);
    }
    for end in [None, Some(i64::MIN), Some(0), Some(NOW - 1), Some(NOW)] {
        faults.inject("clock skew", &sandbox, |start| start.expires_at = end);
    }
    // The key is good for a minute around now.
    let time = |seconds| jiff::Timestamp::from_second(seconds).ok();
    let key = verifying("ed25519").between(time(NOW - 30), time(NOW + 30));
    let governed = good(State::governed());
    for now in [NOW - 31, NOW + 30, NOW + 31, 0, i64::MIN, i64::MAX, -1, NOW + (1 << 33)] {
        let warm = TrustedKeys::remembering(vec![key.clone()], 8);
        assert!(governed.allowed(&warm, &RevocationList::default()));
        let skewed = Start { now, ..governed.clone() };
        faults.outcome("clock skew", skewed.allowed(&warm, &RevocationList::default()));
    }
}

fn signers(faults: &mut Faults) {
    let governed = good(State::governed());
    let families = ["other", "es256", "es384", "es512", "rs256"];
    for name in families {
        let strangers = TrustedKeys::new(vec![verifying(name)]);
        faults.outcome("unknown signer", governed.allowed(&strangers, &RevocationList::default()));
        let (policy, key) = (policy("agent-promotion"), signing(name));
        let proof = promotion::decide(&authority(&policy, &key), &request(|_| ())).proof.unwrap();
        faults.inject("unknown signer", &governed, |start| start.proof = Some(proof.into_bytes()));
    }
    let none = TrustedKeys::new(Vec::new());
    faults.outcome("unknown signer", governed.allowed(&none, &RevocationList::default()));
    for hash in [None, Some(String::new()), Some("0".repeat(64)), Some("null".to_owned())] {
        faults.inject("policies", &governed, |start| start.policy_hash = hash);
    }
    let upper = governed.policy_hash.clone().map(|hash| hash.to_uppercase());
    faults.inject("policies", &governed, |start| start.policy_hash = upper);
}

/// Fails, panics or revokes at the asked question, and before says that nobody was revoked.
struct Feed {
    good: u64,
    then: fn() -> Result<bool, String>,
    asked: AtomicU64,
}

impl Revocations for Feed {
    fn is_revoked(&self, _: &str) -> Result<bool, String> {
        if self.asked.fetch_add(1, Ordering::Relaxed) < self.good { Ok(false) } else { (self.then)() }
    }
}

fn feeds(faults: &mut Faults) {
    let down: fn() -> Result<bool, String> = || Err("store unreachable".to_owned());
    let kinds = [
        ("store down", down),
        ("panic in a check", || panic!("no feed")),
        ("revoked in flight", || Ok(true)),
    ];
    let governed = good(State::governed());
    for (kind, then) in kinds {
        for starts in 0..10 {
            // So many starts are good, and the next is not, on the same keys that remember.
            let feed = Feed { good: starts, then, asked: AtomicU64::new(0) };
            let warm = TrustedKeys::remembering(vec![verifying("ed25519")], 8);
            (0..starts).for_each(|_| assert!(governed.allowed(&warm, &feed)));
            faults.outcome(kind, governed.allowed(&warm, &feed));
            let named: Vec<VerifyingKey> = vec![verifying("ed25519").with_id("ops")];
            let feed = Feed { good: starts % 2, then, asked: AtomicU64::new(0) };
            faults.outcome(kind, governed.allowed(&TrustedKeys::new(named), &feed));
        }
    }
}

/// A feed that answers so often in time, and then later than anybody waits for it.
fn timeouts(faults: &mut Faults) {
    let governed = good(State::governed());
    for starts in 0..4 {
        let then = || {
            std::thread::sleep(Duration::from_secs(60));
            Ok(false)
        };
        let feed = Feed { good: starts, then, asked: AtomicU64::new(0) };
        let feed = Deadline::new(feed, Duration::from_millis(400)).unwrap();
        let warm = TrustedKeys::remembering(vec![verifying("ed25519")], 8);
        (0..starts).for_each(|_| assert!(governed.allowed(&warm, &feed)));
        (0..2).for_each(|_| faults.outcome("timeout", governed.allowed(&warm, &feed)));
    }
}

/// A decision that runs out of fuel, memory or room promotes nobody.
fn fuel(faults: &mut Faults) {
    let (policy, key) = (policy("agent-promotion"), signing("ed25519"));
    let mut limits = Vec::new();
    for n in 0..12 {
        let mut few = Limits::default();
        match n % 4 {
            0 => few.fuel = n,
            1 => few.memory = 1 << n.min(8),
            2 => few.input_bytes = 1 << (n / 2),
            _ => few.result_bytes = usize::try_from(n).unwrap(),
        }
        limits.push(few);
    }
    for limits in limits {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path().join("store.db")).unwrap();
        let request = request(|_| ());
        let id = store.create_sandbox("finance", request.spec(), "user-17", NOW).unwrap();
        let mut authority = authority(&policy, &key);
        authority.limits = limits;
        let promoted = store::promote(&store, id, &authority, &request).unwrap();
        let governed = store.agent(id).unwrap().state.status != "SANDBOX";
        faults.outcome("fuel out", promoted.is_success() || governed || store.proof(id).unwrap().is_some());
    }
}

/// Rows that somebody damaged, and a database that fails.
fn rows(faults: &mut Faults) {
    let columns = [
        ("agent_specs", &["spec", "spec_hash", "mode", "governance_status"][..]),
        ("agent_proofs", &["signature", "agent_id"]),
    ];
    let values = ["NULL", "''", "'x'", "7", "x'ff'", "substr(COLUMN, 2)", "upper(COLUMN)", "COLUMN || 'x'"];
    for (table, columns) in columns {
        for column in columns {
            for value in values {
                let house = common::revalidation::House::of(1);
                let policy = policy("agent-promotion");
                assert_eq!(house.starts(1, &policy), []);
                let value = value.replace("COLUMN", column);
                let sql = format!("UPDATE {table} SET {column} = {value} WHERE {column} IS NOT {value}");
                let other = house.connection();
                other.pragma_update(None, "ignore_check_constraints", true).unwrap();
                other.pragma_update(None, "foreign_keys", false).unwrap();
                // What the database itself refuses, or has already, is no fault that admission sees.
                if other.execute(&sql, []).unwrap_or(0) == 0 {
                    continue;
                }
                let started =
                    store::admit(&house.store, 1, &common::gate(Some(&policy), &common::trusted(), NOW));
                let allowed = started.is_ok_and(|verdict| verdict.is_allow());
                assert!(!allowed, "{sql}");
                faults.outcome("corrupt row", allowed);
            }
        }
    }
    for table in ["agent_specs", "agent_proofs", "revoked_signers", "audit_outbox", "audit_outbox_position"] {
        let house = common::revalidation::House::of(1);
        let other = house.connection();
        other.pragma_update(None, "foreign_keys", false).unwrap();
        other.execute_batch(&format!("DROP TABLE {table}")).unwrap();
        let policy = policy("agent-promotion");
        let started = store::admit(&house.store, 1, &common::gate(Some(&policy), &common::trusted(), NOW));
        faults.outcome("store down", started.is_ok_and(|verdict| verdict.is_allow()));
    }
}

/// The kinds that there must be, so that none goes missing unseen.
const KINDS: [&str; 13] = [
    "missing field",
    "wrong case",
    "null",
    "state",
    "clock skew",
    "unknown signer",
    "policies",
    "store down",
    "panic in a check",
    "revoked in flight",
    "timeout",
    "fuel out",
    "corrupt row",
];

#[test]
fn no_fault_lets_an_agent_start() {
    assert!(engine_tests().is_dir());
    let mut faults = Faults::default();
    documents(&mut faults);
    states(&mut faults);
    clocks(&mut faults);
    signers(&mut faults);
    feeds(&mut faults);
    timeouts(&mut faults);
    fuel(&mut faults);
    rows(&mut faults);
    let injected: u64 = faults.0.values().map(|(injected, _)| injected).sum();
    let allows: u64 = faults.0.values().map(|(_, allows)| allows).sum();
    println!("{injected} faults, {allows} allows: {:?}", faults.0);
    assert!(injected >= 500, "{injected}");
    for kind in KINDS {
        assert!(faults.0.get(kind).is_some_and(|(injected, _)| *injected >= 5), "{kind}");
    }
    assert_eq!(allows, 0);
}

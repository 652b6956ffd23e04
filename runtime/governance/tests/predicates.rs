//! Statements as they are published: each is one of its schema, and reads as the golden file beside it.
//!
//! `GOVC_UPDATE=1` writes the golden files anew; read them before they are committed.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod common;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::{NOW, authority, policy, request, signing, trusted, verifying};
use govc_engine::proof::{BATCH_V1, DECISION_V1, PROMOTION_V1, Proof, SCHEMAS, share};
use govc_engine::{Query, Scratch};
use govc_governance::admission::{self, Request, admit};
use govc_governance::{RevocationList, State, promotion};
use serde_json::{Value, json};
use std::path::Path;

fn statement(envelope: &str) -> Value {
    let envelope: Value = serde_json::from_str(envelope).unwrap();
    serde_json::from_slice(&STANDARD.decode(envelope["payload"].as_str().unwrap()).unwrap()).unwrap()
}

/// Pretty, without the digests that another compiler would give.
fn masked(statement: &Value) -> String {
    let mut text = serde_json::to_string_pretty(statement).unwrap() + "\n";
    let policy = policy("agent-promotion");
    let subject = |name: &str| {
        let subjects = statement["subject"].as_array().unwrap();
        let found = subjects.iter().find(|subject| subject["name"] == name);
        found.map(|subject| subject["digest"]["sha256"].as_str().unwrap().to_owned())
    };
    let digests = [
        ("digest of the bundle", Some(policy.digest().to_owned())),
        ("digest of the policies", Some(policy.policy_hash().to_owned())),
        ("digest of the proof", subject("proof")),
        ("root", subject("statements")),
    ];
    for (name, digest) in digests.into_iter().filter_map(|(name, digest)| Some((name, digest?))) {
        text = text.replace(&digest, &format!("({name})"));
    }
    text
}

/// The statement is one of the schema and the golden one, and no longer one with anything added or taken away.
fn published(name: &str, schema: &str, statement: &Value) {
    let schema: Value = serde_json::from_str(schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let faults: Vec<String> = validator.iter_errors(statement).map(|fault| fault.to_string()).collect();
    assert!(faults.is_empty(), "{name}: {faults:?}");
    let mut more = statement.clone();
    more["predicate"]["more"] = json!(1);
    assert!(!validator.is_valid(&more), "{name} is closed");
    for required in schema["properties"]["predicate"]["required"].as_array().unwrap() {
        let mut less = statement.clone();
        less["predicate"].as_object_mut().unwrap().remove(required.as_str().unwrap());
        assert!(!validator.is_valid(&less), "{name} without {required}");
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/predicates").join(format!("{name}.json"));
    let text = masked(statement);
    if std::env::var_os("GOVC_UPDATE").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    assert_eq!(text, std::fs::read_to_string(&path).unwrap(), "{name}");
}

fn schema(kind: &str) -> &'static str {
    SCHEMAS.iter().find(|(known, _)| *known == kind).unwrap().1
}

#[test]
fn a_promotion_is_stated_as_published() {
    let (policy, key) = (policy("agent-promotion"), signing("ed25519"));
    let promoted = promotion::decide(&authority(&policy, &key), &request(|_| ()));
    published("promotion", schema(PROMOTION_V1), &statement(&promoted.proof.unwrap()));
}

#[test]
fn a_decision_is_stated_as_published() {
    let policy = policy("agent-promotion");
    let input = br#"{"actorRole": "viewer", "n": 1.0}"#;
    let decision = policy.decide(&mut Scratch::new(), &Query::new("promotion/result").input_json(input));
    let proof = Proof::of(&decision, Some(input)).unwrap();
    published("decision", schema(DECISION_V1), &statement(&proof.sign(&signing("ed25519")).unwrap()));
    let shared = share(vec![proof.leaf().unwrap(), proof.leaf().unwrap()], &signing("ed25519")).unwrap();
    published("batch", schema(BATCH_V1), &statement(&shared[0].envelope));
}

#[test]
fn an_admission_is_stated_as_published_and_can_be_made_again() {
    let (policy, key) = (policy("agent-promotion"), signing("ed25519"));
    let request = request(|_| ());
    let promoted = promotion::decide(&authority(&policy, &key), &request);
    let (proof, keys, nobody) = (promoted.proof.unwrap(), trusted(), RevocationList::default());
    let start = |policy_hash| Request {
        spec: request.spec(),
        state: State::governed(),
        proof: Some(proof.as_bytes()),
        policy_hash,
        keys: &keys,
        revocations: &nobody,
        expires_at: None,
        now: NOW,
    };
    let good = start(Some(policy.policy_hash()));
    let other = "0".repeat(64);
    let bad = start(Some(&other));
    for (name, request) in [("admission", &good), ("admission-denied", &bad)] {
        let verdict = admit(request);
        let envelope = verdict.sign(request, &key).unwrap();
        published(name, admission::SCHEMA, &statement(&envelope));
        let stated =
            |request, key| admit(request).is_stated_by(envelope.as_bytes(), &[verifying(key)], request);
        assert_eq!(stated(request, "ed25519"), Ok(true));
        let another = if name == "admission" { &bad } else { &good };
        assert_eq!(stated(another, "ed25519"), Ok(false));
        assert!(stated(request, "other").is_err());
    }
}

/// The script beside the example needs a shell and openssl, and nothing of ours.
#[test]
fn openssl_verifies_an_envelope_by_itself() {
    let found = std::process::Command::new("openssl").arg("version").output();
    if !found.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: no `openssl` on PATH");
        return;
    }
    let (policy, key) = (policy("agent-promotion"), signing("ed25519"));
    let proof = promotion::decide(&authority(&policy, &key), &request(|_| ())).proof.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/agent-promotion/verify.sh");
    let verify = |proof: &str, key: &str| {
        let path = folder.path().join("proof.json");
        std::fs::write(&path, proof).unwrap();
        let key = common::engine_tests().join("keys").join(format!("{key}.pub.pem"));
        std::process::Command::new("sh").arg(&script).arg(&path).arg(key).output().unwrap()
    };
    let said = verify(&proof, "ed25519");
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    assert_eq!(serde_json::from_slice::<Value>(&said.stdout).unwrap(), statement(&proof));
    assert!(!verify(&proof, "other").status.success());
    let mut forged = statement(&proof);
    forged["predicate"]["entrypoint"] = json!("promotion/other");
    let mut envelope: Value = serde_json::from_str(&proof).unwrap();
    envelope["payload"] = json!(STANDARD.encode(forged.to_string()));
    assert!(!verify(&envelope.to_string(), "ed25519").status.success());
}

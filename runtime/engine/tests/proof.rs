//! Proofs: what holds, and every way in which they must not.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod common;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::{compiled, policy, signing, verifying};
use govc_engine::proof::{self, Proof, ProofError, Statement};
use govc_engine::{
    Algorithm, Effect, Limits, Policy, Query, Scratch, SigningKey, SystemHost, VerifyingKey, sha256_hex,
};
use serde_json::{Value, json, value::RawValue};

fn keys() -> Vec<VerifyingKey> {
    vec![verifying("ed25519")]
}

fn host() -> SystemHost {
    SystemHost::new().with_clock().with_randomness()
}

/// A proof of a decision, not yet signed.
fn proof_of(policy: &Policy, entrypoint: &str, input: Option<&[u8]>) -> Proof {
    let host = host();
    let mut query = Query::new(entrypoint).host(&host);
    if let Some(text) = input {
        query = query.input_json(text);
    }
    Proof::of(&policy.decide(&mut Scratch::new(), &query), input).unwrap()
}

fn check(envelope: &str, policy: &Policy) -> Result<Effect, ProofError> {
    proof::check(envelope.as_bytes(), &keys(), policy).map(|checked| checked.decision.effect())
}

const DENIED: &[u8] = br#"{"actorRole": "viewer", "n": 1.0}"#;

#[test]
fn a_proof_holds_for_every_kind_of_decision() {
    let verdicts = policy("verdicts");
    let cases = [
        ("yes", Effect::Allow),
        ("no", Effect::Deny),
        ("maybe", Effect::Deny),
        ("approve", Effect::RequireApproval),
        ("now", Effect::Allow),
        ("dice", Effect::Allow),
        ("echo", Effect::Deny),
    ];
    for (entrypoint, effect) in cases {
        for input in [None, Some(&b"{\"x\": [1.0, 1e2, \"\\u00e9\"]}"[..]), Some(b"7"), Some(b"null")] {
            let name = format!("verdicts/{entrypoint}");
            let envelope = proof_of(&verdicts, &name, input).sign(&signing("ed25519")).unwrap();
            assert_eq!(check(&envelope, &verdicts), Ok(effect), "{entrypoint} {input:?}");
        }
    }
}

#[test]
fn the_envelope_is_dsse_around_an_in_toto_statement() {
    let promotion = policy("agent-promotion");
    let envelope = proof_of(&promotion, "promotion/result", Some(DENIED)).sign(&signing("ed25519")).unwrap();
    let envelope: Value = serde_json::from_str(&envelope).unwrap();
    assert_eq!(envelope["payloadType"], "application/vnd.in-toto+json");
    assert_eq!(envelope["signatures"][0]["keyid"], verifying("ed25519").fingerprint().unwrap());
    let payload = STANDARD.decode(envelope["payload"].as_str().unwrap()).unwrap();
    let statement: Value = serde_json::from_slice(&payload).unwrap();
    assert_eq!(statement["_type"], "https://in-toto.io/Statement/v1");
    assert_eq!(statement["subject"][0], json!({"name": "bundle", "digest": {"sha256": promotion.digest()}}));
    let digest = sha256_hex(br#"{"actorRole":"viewer","n":1}"#);
    assert_eq!(statement["subject"][1], json!({"name": "input", "digest": {"sha256": digest}}));
    assert_eq!(statement["predicate"]["input_digest"], digest.as_str());
    assert_eq!(statement["predicate"]["decision"], "DENY");
    assert_eq!(statement["predicate"]["entrypoint"], "promotion/result");
    // The signature by the definition of the pre-authentication encoding.
    let kind = "application/vnd.in-toto+json";
    let head = format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len());
    let message = [head.as_bytes(), &payload].concat();
    let sig = STANDARD.decode(envelope["signatures"][0]["sig"].as_str().unwrap()).unwrap();
    assert!(verifying("ed25519").verifies(Algorithm::EdDsa, &message, &sig));
}

#[test]
fn every_key_family_can_sign_proofs() {
    let verdicts = policy("verdicts");
    let made = proof_of(&verdicts, "verdicts/yes", None);
    for name in ["ed25519", "es256", "es384", "es512", "rs256"] {
        let envelope = made.sign(&signing(name)).unwrap();
        proof::check(envelope.as_bytes(), &[verifying(name)], &verdicts).unwrap();
        let refused = proof::check(envelope.as_bytes(), &[verifying("other")], &verdicts).unwrap_err();
        assert_eq!(refused.code(), "govc_proof_wrong_key");
    }
}

#[test]
fn a_shared_secret_must_be_long_enough() {
    let verdicts = policy("verdicts");
    let made = proof_of(&verdicts, "verdicts/yes", None);
    let secret = |len: usize| SigningKey::from_secret(&vec![7; len], Algorithm::Hs256).unwrap();
    assert_eq!(made.sign(&secret(31)).unwrap_err().code(), "govc_key_short");
    let envelope = made.sign(&secret(32)).unwrap();
    let check = |key| proof::check(envelope.as_bytes(), &[key], &verdicts).map(drop);
    assert_eq!(check(VerifyingKey::from_secret(&[7; 32])), Ok(()));
    assert_eq!(check(VerifyingKey::from_secret(&[8; 32])), Err(ProofError::BadSignature));
    assert!(matches!(check(VerifyingKey::from_secret(&[7; 31])), Err(ProofError::WrongKey { .. })));
}

/// Changes the payload and signs again with the right key.
fn resigned(statement: &Statement, change: impl FnOnce(&mut Statement)) -> String {
    let mut changed = statement.clone();
    change(&mut changed);
    changed.sign(&signing("ed25519")).unwrap()
}

fn raw(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.to_owned()).unwrap()
}

#[test]
fn altered_and_signed_again_is_refused() {
    let verdicts = policy("verdicts");
    let dice = proof_of(&verdicts, "verdicts/dice", Some(b"{\"x\":1}"));
    let statement = dice.statement();
    let refuse = |change: &dyn Fn(&mut Statement), code: &str| {
        let error = check(&resigned(statement, change), &verdicts).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
    };
    let differs = "govc_proof_differs";
    refuse(&|s| s.predicate.result = Some(raw("{\"allow\":true}")), differs);
    refuse(&|s| s.predicate.result = None, differs);
    refuse(&|s| s.predicate.decision = "DENY".to_owned(), differs);
    refuse(&|s| s.predicate.reasons.push("because".to_owned()), differs);
    refuse(&|s| s.predicate.entrypoint = "verdicts/yes".to_owned(), differs);
    refuse(&|s| s.predicate.entrypoint = "verdicts/nothing".to_owned(), differs);
    refuse(&|s| s.predicate.input = Some(raw("{\"x\":2}")), "govc_proof_input_digest");
    refuse(&|s| s.predicate.input = None, "govc_proof_input_digest");
    refuse(&|s| s.predicate.input_digest = Some("0".repeat(64)), "govc_proof_input_digest");
    refuse(&|s| drop(s.subject.pop()), "govc_proof_input_digest");
    refuse(&|s| s.subject.push(s.subject[1].clone()), "govc_proof_input_digest");
    refuse(&|s| s.subject[0].digest.clear(), "govc_proof_statement");
    refuse(&|s| s.predicate.bundle = "0".repeat(64), "govc_proof_bundle");
    refuse(&|s| s.kind = "https://in-toto.io/Statement/v0.1".to_owned(), "govc_proof_statement");
    assert_eq!(check(&resigned(statement, |_| ()), &verdicts), Ok(Effect::Allow));
}

#[test]
fn altered_answers_are_refused() {
    let verdicts = policy("verdicts");
    let statement = proof_of(&verdicts, "verdicts/dice", None).statement().clone();
    let answers = serde_json::to_value(&statement.predicate.nd_builtin_cache).unwrap();
    let refuse = |change: &dyn Fn(&mut Value)| {
        let mut changed = answers.clone();
        change(&mut changed);
        let envelope =
            resigned(&statement, |s| s.predicate.nd_builtin_cache = serde_json::from_value(changed).unwrap());
        assert_eq!(check(&envelope, &verdicts).unwrap_err().code(), "govc_proof_differs");
    };
    refuse(&|a| a["rand.intn"][r#"["a",6]"#] = json!(600));
    refuse(&|a| a["rand.intn"][r#"["never",6]"#] = json!(1));
    refuse(&|a| a["time.now_ns"] = json!({"[]": 1}));
    refuse(&|a| drop(a["rand.intn"].as_object_mut().unwrap().remove(r#"["a",6]"#)));
    refuse(&|a| *a = json!({}));
    let now = proof_of(&verdicts, "verdicts/now", None).statement().clone();
    let earlier = resigned(&now, |s| {
        s.predicate.nd_builtin_cache = serde_json::from_value(json!({"time.now_ns": {"[]": 12}})).unwrap();
    });
    assert_eq!(check(&earlier, &verdicts).unwrap_err().code(), "govc_proof_differs");
}

#[test]
fn another_bundle_is_refused() {
    let envelope = proof_of(&policy("verdicts"), "verdicts/yes", None).sign(&signing("ed25519")).unwrap();
    assert!(matches!(check(&envelope, &policy("tool-access")), Err(ProofError::Bundle { .. })));
}

#[test]
fn every_flipped_bit_of_an_envelope_is_refused() {
    let verdicts = policy("verdicts");
    let envelope = proof_of(&verdicts, "verdicts/yes", Some(b"1")).sign(&signing("ed25519")).unwrap();
    for at in 0..envelope.len() {
        for bit in 0..8 {
            let mut bytes = envelope.clone().into_bytes();
            bytes[at] ^= 1 << bit;
            assert!(proof::check(&bytes, &keys(), &verdicts).is_err(), "bit {bit} of byte {at}");
        }
    }
}

#[test]
fn envelopes_of_another_form_are_refused() {
    let verdicts = policy("verdicts");
    let good = proof_of(&verdicts, "verdicts/yes", None).sign(&signing("ed25519")).unwrap();
    let change = |f: &dyn Fn(&mut Value)| {
        let mut value: Value = serde_json::from_str(&good).unwrap();
        f(&mut value);
        check(&value.to_string(), &verdicts).unwrap_err().code()
    };
    assert_eq!(change(&|v| v["signatures"] = json!([])), "govc_proof_envelope");
    assert_eq!(
        change(&|v| v["signatures"] = json!([v["signatures"][0], v["signatures"][0]])),
        "govc_proof_envelope"
    );
    assert_eq!(change(&|v| v["payloadType"] = json!("text/plain")), "govc_proof_envelope");
    assert_eq!(change(&|v| v["extra"] = json!(1)), "govc_proof_envelope");
    assert_eq!(change(&|v| v["payload"] = json!("???")), "govc_proof_envelope");
    assert_eq!(change(&|v| v["signatures"][0]["sig"] = json!("")), "govc_proof_bad_signature");
    assert_eq!(change(&|v| v["signatures"][0]["keyid"] = json!("x")), "govc_proof_wrong_key");
    for text in ["", "null", "{}", "[]", "\"x\""] {
        assert_eq!(check(text, &verdicts).unwrap_err().code(), "govc_proof_envelope");
    }
    assert_eq!(proof::check(good.as_bytes(), &[], &verdicts).unwrap_err().code(), "govc_proof_wrong_key");
}

#[test]
fn errors_and_other_inputs_cannot_be_proved() {
    let verdicts = policy("verdicts");
    let mut scratch = Scratch::new();
    let failed = verdicts.decide(&mut scratch, &Query::new("verdicts/nothing"));
    assert_eq!(Proof::of(&failed, None).unwrap_err().code(), "govc_proof_undecided");
    let decided = verdicts.decide(&mut scratch, &Query::new("verdicts/yes").input_json(b"1"));
    assert_eq!(Proof::of(&decided, Some(b"2")).unwrap_err(), ProofError::OtherInput);
    assert_eq!(Proof::of(&decided, None).unwrap_err(), ProofError::OtherInput);
    assert!(Proof::of(&decided, Some(b" 1.0 ")).is_ok(), "the same number");
}

#[test]
fn a_proof_made_with_a_signed_bundle_holds_with_the_unsigned_one() {
    let bytes =
        govc_engine::sign_bundle(&compiled("verdicts"), &signing("es256"), &serde_json::Map::new()).unwrap();
    let signed = govc_engine::Engine::load(&bytes, &govc_engine::Trust::key(verifying("es256"))).unwrap();
    let envelope = proof_of(&signed, "verdicts/yes", None).sign(&signing("ed25519")).unwrap();
    assert_eq!(check(&envelope, &policy("verdicts")), Ok(Effect::Allow));
}

/// The usual limits need no words; others are stated, and bind who decides again.
#[test]
fn a_proof_names_limits_that_are_not_the_usual_ones() {
    let verdicts = policy("verdicts");
    let usual = proof_of(&verdicts, "verdicts/yes", None);
    assert!(!serde_json::to_string(usual.statement()).unwrap().contains("limits"));
    let mut limits = Limits::default();
    (limits.fuel, limits.time) = (1_000_000, None);
    let query = Query::new("verdicts/yes").limits(limits);
    let (decision, proof) = Proof::decide(&verdicts, &mut Scratch::new(), &query);
    let shown: Value = serde_json::from_str(&decision.to_json()).unwrap();
    assert_eq!((&shown["limits"]["fuel"], &shown["limits"]["time_us"]), (&json!(1_000_000), &Value::Null));
    assert_eq!(shown["engine"], proof.as_ref().unwrap().statement().predicate.engine.as_str());
    let statement = proof.unwrap().statement().clone();
    assert_eq!(statement.predicate.limits, limits);
    let envelope = statement.sign(&signing("ed25519")).unwrap();
    assert_eq!(check(&envelope, &verdicts), Ok(Effect::Allow));
    // Under limits that it could not have been made in, it does not hold.
    let mut tight = statement;
    tight.predicate.limits.result_bytes = 1;
    let envelope = tight.sign(&signing("ed25519")).unwrap();
    assert_eq!(check(&envelope, &verdicts), Err(ProofError::Differs { part: "result" }));
}

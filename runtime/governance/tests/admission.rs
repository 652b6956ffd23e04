//! The seven checks: alone, in all combinations, for all tiers, and under every fault we could think of.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod common;

use common::{NOW, authority, policy, request, request_json, signing, verifying};
use govc_engine::proof::{self, Statement};
use govc_engine::{VerifyingKey, sha256_hex};
use govc_governance::admission::{Request, TrustedKeys, Verdict, admit};
use govc_governance::promotion;
use govc_governance::revocation::Deadline;
use govc_governance::{
    AgentSpec, DecisionCode, Mode, OnMismatch, RevocationList, Revocations, State, Status, Tier,
};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// An agent, and everything that admission is told about it.
#[derive(Clone)]
struct World {
    spec: Value,
    state: State,
    proof: Option<Vec<u8>>,
    policy_hash: Option<String>,
    keys: Vec<VerifyingKey>,
    revoked: RevocationList,
    expires_at: Option<i64>,
    now: i64,
}

/// The envelope of a successful promotion, and the digest of the policies.
fn promoted() -> (String, String) {
    let (policy, key) = (policy("agent-promotion"), signing("ed25519"));
    let promotion = promotion::decide(&authority(&policy, &key), &request(|_| ()));
    assert!(promotion.is_success(), "{:?}", promotion.failures);
    (promotion.proof.unwrap(), policy.policy_hash().to_owned())
}

impl World {
    /// All seven checks pass.
    fn good(state: State) -> Self {
        let (envelope, policy_hash) = promoted();
        Self {
            spec: request_json()["agent"].clone(),
            state,
            proof: Some(envelope.into_bytes()),
            policy_hash: Some(policy_hash),
            keys: vec![verifying("ed25519")],
            revoked: RevocationList::default(),
            expires_at: Some(NOW + 1),
            now: NOW,
        }
    }

    fn governed() -> Self {
        Self::good(State::governed())
    }

    fn sandbox() -> Self {
        Self::good(State::sandbox())
    }

    fn verdict(&self) -> Verdict {
        self.verdict_with(&self.revoked)
    }

    fn verdict_with(&self, revocations: &dyn Revocations) -> Verdict {
        admit(&Request {
            spec: &AgentSpec::from_json(self.spec.to_string().as_bytes()).unwrap(),
            state: self.state.clone(),
            proof: self.proof.as_deref(),
            policy_hash: self.policy_hash.as_deref(),
            keys: &TrustedKeys::new(self.keys.clone()),
            revocations,
            expires_at: self.expires_at,
            now: self.now,
        })
    }

    fn codes(&self) -> Vec<DecisionCode> {
        self.verdict().failures.iter().map(|failure| failure.code).collect()
    }

    fn statement(&self) -> Statement {
        proof::peek(self.proof.as_ref().unwrap()).unwrap().statement
    }

    fn resign(&mut self, change: impl FnOnce(&mut Statement)) {
        let mut statement = self.statement();
        change(&mut statement);
        self.proof = Some(statement.sign(&signing("ed25519")).unwrap().into_bytes());
    }
}

use DecisionCode::{
    AdmissionAllow, ContainmentViolation, InterceptorError, PolicyHashMismatch, ProofMissing, Quarantined,
    SandboxExpired, SignatureInvalid, SignerRevoked, SpecHashMismatch,
};

/// One way to break each check, so that the others still pass.
fn break_check(world: &mut World, check: u8) {
    match check {
        // A genuine proof of the right things, but of a decision instead of a promotion.
        1 => world.resign(|s| s.predicate_type = proof::DECISION_V1.to_owned()),
        2 => world.spec["version"] = json!("1.4.1"),
        3 => world.policy_hash = Some("0".repeat(64)),
        4 => world.revoked = RevocationList::parse(verifying("ed25519").fingerprint().unwrap()),
        5 => {
            let mut envelope: Value = serde_json::from_slice(world.proof.as_ref().unwrap()).unwrap();
            let sig = envelope["signatures"][0]["sig"].as_str().unwrap();
            let first = if sig.starts_with('A') { "B" } else { "A" };
            envelope["signatures"][0]["sig"] = json!(format!("{first}{}", &sig[1..]));
            world.proof = Some(envelope.to_string().into_bytes());
        }
        6 => world.expires_at = Some(NOW),
        7 => world.spec["sandbox_constraints"]["external_calls"] = json!(true),
        _ => unreachable!(),
    }
}

const CODES: [DecisionCode; 7] = [
    ProofMissing,
    SpecHashMismatch,
    PolicyHashMismatch,
    SignerRevoked,
    SignatureInvalid,
    SandboxExpired,
    ContainmentViolation,
];

fn modes() -> Vec<String> {
    ["sandbox", "governed", "Sandbox", "", "prod"].map(str::to_owned).to_vec()
}

fn statuses() -> Vec<String> {
    let unknown = ["", "sandbox", "GOVERNED"].map(str::to_owned);
    Status::ALL.iter().map(|s| s.name().to_owned()).chain(unknown).collect()
}

/// 2^7 combinations of failures x 5 modes x 7 statuses: exactly the codes that apply, in order, and an allow only where
/// nothing applies.
#[test]
fn all_combinations_give_exactly_their_codes() {
    let mut allowed = 0;
    for combination in 0..128_u32 {
        let mut world = World::governed();
        let broken: Vec<u8> = (1..=7).filter(|check| combination >> (check - 1) & 1 == 1).collect();
        // Breaking containment edits the specification, so the promotion is about the edited one.
        let mut order = broken.clone();
        order.sort_by_key(|check| if *check == 7 { 0 } else { *check });
        for check in order {
            break_check(&mut world, check);
            if check == 7 {
                let digest =
                    AgentSpec::from_json(world.spec.to_string().as_bytes()).unwrap().digest().to_owned();
                world.resign(|s| s.subject[2].digest = [("sha256".to_owned(), digest)].into());
            }
        }
        for mode in modes() {
            for status in statuses() {
                world.state = State { mode: mode.clone(), status: status.clone() };
                let tier = world.state.tier();
                let applies = |check: u8| match tier {
                    Tier::Sandbox => check >= 6,
                    Tier::Governed | Tier::Quarantined => check <= 5,
                    Tier::Contradictory => true,
                };
                let mut expected: Vec<_> =
                    broken.iter().filter(|c| applies(**c)).map(|c| CODES[usize::from(*c) - 1]).collect();
                match tier {
                    Tier::Quarantined => expected.push(Quarantined),
                    Tier::Contradictory => expected.push(InterceptorError),
                    _ => {}
                }
                let verdict = world.verdict();
                let codes: Vec<_> = verdict.failures.iter().map(|f| f.code).collect();
                assert_eq!(codes, expected, "{combination:07b} {mode} {status}");
                assert_eq!(verdict.is_allow(), expected.is_empty());
                assert_eq!(verdict.code(), expected.first().copied().unwrap_or(AdmissionAllow));
                allowed += u32::from(verdict.is_allow());
            }
        }
    }
    // Governed (two statuses): 2^2 combinations of the checks that do not apply; sandbox: 2^5.
    assert_eq!(allowed, 2 * 4 + 32);
}

#[test]
fn tiers_follow_mode_and_status_exactly() {
    let tier = |mode: &str, status: &str| Tier::of(mode, status);
    assert_eq!(tier("sandbox", "SANDBOX"), Tier::Sandbox);
    assert_eq!(tier("governed", "GOVERNED_VALID"), Tier::Governed);
    assert_eq!(tier("governed", "GOVERNED_RESTRICTED"), Tier::Governed);
    assert_eq!(tier("governed", "GOVERNED_INVALIDATED"), Tier::Quarantined);
    let mut contradictory = 0;
    for mode in modes() {
        for status in statuses() {
            contradictory += u32::from(tier(&mode, &status) == Tier::Contradictory);
        }
    }
    assert_eq!(contradictory, 5 * 7 - 4);
    assert_eq!(Mode::from_name("governed "), None);
}

#[test]
fn a_verdict_shows_decision_code_and_all_failures() {
    let mut world = World::governed();
    let shown = serde_json::to_value(world.verdict()).unwrap();
    assert_eq!(shown, json!({"decision": "ALLOW", "code": "ADMISSION_ALLOW", "failures": []}));
    break_check(&mut world, 2);
    break_check(&mut world, 4);
    let shown = serde_json::to_value(world.verdict()).unwrap();
    assert_eq!(shown["decision"], "DENY");
    assert_eq!(shown["code"], "ADMISSION_DENY_SPEC_HASH_MISMATCH");
    assert_eq!(shown["failures"][1]["code"], "ADMISSION_DENY_SIGNER_REVOKED");
    assert_eq!(shown["failures"][1]["check"], 4);
}

#[test]
fn what_is_no_proof_is_a_missing_one() {
    for proof in [
        None,
        Some(&b""[..]),
        Some(b"null"),
        Some(b"{}"),
        Some(b"[]"),
        Some(b"\"proof\""),
        Some(b"{\"payload\":1}"),
    ] {
        let mut world = World::governed();
        world.proof = proof.map(<[u8]>::to_vec);
        let codes = world.codes();
        assert_eq!(codes[0], ProofMissing, "{proof:?}");
        assert!(codes.contains(&SignatureInvalid) && codes.contains(&SpecHashMismatch), "{proof:?}");
    }
}

#[test]
fn a_proof_of_a_denial_promotes_nobody() {
    for decision in ["DENY", "REQUIRE_APPROVAL", "Allow", ""] {
        let mut world = World::governed();
        world.resign(|s| s.predicate.decision = decision.to_owned());
        assert_eq!(world.codes(), [ProofMissing]);
    }
}

#[test]
fn every_edit_of_a_specification_changes_its_hash_and_key_order_does_not() {
    fn edits(value: &Value, path: String, out: &mut Vec<String>) {
        out.push(path.clone());
        match value {
            Value::Object(map) => map.iter().for_each(|(k, v)| edits(v, format!("{path}/{k}"), out)),
            Value::Array(list) => {
                list.iter().enumerate().for_each(|(i, v)| edits(v, format!("{path}/{i}"), out))
            }
            _ => {}
        }
    }
    let spec = request_json()["agent"].clone();
    let mut paths = Vec::new();
    edits(&spec, String::new(), &mut paths);
    assert!(paths.len() > 25);
    for path in paths.iter().filter(|path| !path.is_empty()) {
        let mut world = World::governed();
        *world.spec.pointer_mut(path).unwrap() = json!({"edited": true});
        assert_eq!(world.codes(), [SpecHashMismatch], "{path}");
        let mut world = World::governed();
        let (parent, key) = path.rsplit_once('/').unwrap();
        if let Some(Value::Object(map)) = world.spec.pointer_mut(parent) {
            map.remove(key);
            assert_eq!(world.codes(), [SpecHashMismatch], "without {path}");
        }
    }
    let reordered = r#"{"b":{"y":[1.0,2],"x":"é"},"a":null}"#;
    let ordered = "{\n \"a\": null, \"b\": {\"x\": \"\\u00e9\", \"y\": [1, 2e0]}}";
    let digest = |text: &str| AgentSpec::from_json(text.as_bytes()).unwrap().digest().to_owned();
    assert_eq!(digest(reordered), digest(ordered));
    assert_eq!(digest(reordered), sha256_hex("{\"a\":null,\"b\":{\"x\":\"é\",\"y\":[1,2]}}".as_bytes()));
}

#[test]
fn a_policy_hash_that_is_absent_never_matches() {
    let mut world = World::governed();
    world.policy_hash = None;
    assert_eq!(world.codes(), [PolicyHashMismatch]);
    world.resign(|s| drop(s.predicate.details.insert("policy_hash".to_owned(), json!(""))));
    assert_eq!(world.codes(), [PolicyHashMismatch], "absent on both sides");
    world.policy_hash = Some(String::new());
    assert_eq!(world.codes(), [PolicyHashMismatch], "empty on both sides");
}

#[test]
fn a_signer_is_revoked_by_fingerprint_or_name_in_any_case() {
    let fingerprint = verifying("ed25519").fingerprint().unwrap().to_owned();
    for list in [
        fingerprint.clone(),
        fingerprint.to_uppercase(),
        format!("# remark\n\n  {fingerprint}  lost\n"),
        "ops\n".to_owned(),
    ] {
        let mut world = World::governed();
        world.keys = vec![verifying("ed25519").with_id("ops")];
        world.revoked = RevocationList::parse(&list);
        assert_eq!(world.codes(), [SignerRevoked], "{list}");
    }
    let mut world = World::governed();
    world.revoked = RevocationList::parse(verifying("other").fingerprint().unwrap());
    assert!(world.verdict().is_allow());
}

#[test]
fn signatures_of_others_are_invalid() {
    let mut world = World::governed();
    world.keys = vec![verifying("other")];
    assert_eq!(world.codes(), [SignatureInvalid]);
    world.keys.clear();
    assert_eq!(world.codes(), [SignatureInvalid]);
    let mut world = World::governed();
    let statement = world.statement();
    world.proof = Some(statement.sign(&signing("other")).unwrap().into_bytes());
    assert_eq!(world.codes(), [SignatureInvalid]);
    world.keys.push(verifying("other"));
    assert!(world.verdict().is_allow(), "one of the trusted keys is enough");
}

#[test]
fn sandboxes_expire_to_the_second_and_without_expiry_at_once() {
    let mut world = World::sandbox();
    assert!(world.verdict().is_allow());
    for (expires_at, now) in [(Some(NOW), NOW), (Some(NOW), NOW + 1), (None, NOW), (Some(i64::MIN), i64::MAX)]
    {
        (world.expires_at, world.now) = (expires_at, now);
        assert_eq!(world.codes(), [SandboxExpired], "{expires_at:?} {now}");
    }
    let expiry = |hours: Value| {
        let spec = json!({"sandbox_constraints": {"auto_expiry_hours": hours}});
        AgentSpec::from_json(spec.to_string().as_bytes()).unwrap().expires_at(1000)
    };
    assert_eq!(expiry(json!(2)), Some(8200));
    assert_eq!(expiry(json!(0)), Some(1000));
    for hours in [json!(null), json!(-1), json!(1.5), json!("2"), json!(u64::MAX), json!([])] {
        assert_eq!(expiry(hours.clone()), None, "{hours}");
    }
    assert_eq!(AgentSpec::from_json(b"{}").unwrap().expires_at(1000), None);
}

#[test]
fn containment_is_exactly_false_under_exactly_these_names() {
    for name in ["external_calls", "persistent_writes"] {
        for value in [json!(true), json!(null), json!("false"), json!(0), json!([]), json!({})] {
            let mut world = World::sandbox();
            world.spec["sandbox_constraints"][name] = value;
            assert_eq!(world.codes(), [ContainmentViolation]);
        }
        let mut world = World::sandbox();
        world.spec["sandbox_constraints"].as_object_mut().unwrap().remove(name);
        assert_eq!(world.codes(), [ContainmentViolation]);
    }
    let mut world = World::sandbox();
    world.spec["sandbox_constraints"] = json!({"externalCalls": false, "persistentWrites": false});
    assert_eq!(world.codes(), [ContainmentViolation]);
    world.spec["sandbox_constraints"] = json!([false, false]);
    assert_eq!(world.codes(), [ContainmentViolation]);
}

#[test]
fn a_feed_that_fails_panics_or_hangs_denies_beside_the_other_failures() {
    struct Down;
    impl Revocations for Down {
        fn is_revoked(&self, _: &str) -> Result<bool, String> {
            Err("store unreachable".to_owned())
        }
    }
    struct Panics;
    impl Revocations for Panics {
        fn is_revoked(&self, _: &str) -> Result<bool, String> {
            panic!("no feed")
        }
    }
    struct Hangs;
    impl Revocations for Hangs {
        fn is_revoked(&self, _: &str) -> Result<bool, String> {
            std::thread::sleep(Duration::from_secs(60));
            Ok(false)
        }
    }
    let limited = |feed| Deadline::new(feed, Duration::from_millis(50)).unwrap();
    let late = limited(Hangs);
    let mut world = World::governed();
    let codes = |verdict: Verdict| verdict.failures.iter().map(|f| (f.check, f.code)).collect::<Vec<_>>();
    assert_eq!(codes(world.verdict_with(&Down)), [(4, InterceptorError)]);
    assert_eq!(codes(world.verdict_with(&Panics)), [(4, InterceptorError)]);
    assert_eq!(codes(world.verdict_with(&late)), [(4, InterceptorError)]);
    break_check(&mut world, 2);
    break_check(&mut world, 5);
    let expected = [(2, SpecHashMismatch), (4, InterceptorError), (5, SignatureInvalid)];
    assert_eq!(codes(world.verdict_with(&Down)), expected);
    assert_eq!(codes(world.verdict_with(&Panics)), expected);
    assert_eq!(codes(world.verdict_with(&late)), expected);
}

/// What a feed says in its time is what it says; a panic of one question is none of the next.
#[test]
fn a_feed_with_a_deadline_says_what_it_says() {
    struct Often(AtomicU64);
    impl Revocations for Often {
        fn is_revoked(&self, signer: &str) -> Result<bool, String> {
            assert!(self.0.fetch_add(1, Ordering::Relaxed) != 1, "the second question");
            Ok(signer == "ops")
        }
    }
    let feed = Deadline::new(Often(AtomicU64::new(0)), Duration::from_secs(60)).unwrap();
    assert_eq!(feed.is_revoked("ops"), Ok(true));
    assert_eq!(feed.is_revoked("ops"), Err("the feed panicked".to_owned()));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..50 {
                    assert_eq!((feed.is_revoked("ops"), feed.is_revoked("dev")), (Ok(true), Ok(false)));
                }
            });
        }
    });
}

/// Every flipped bit of the envelope denies.
#[test]
fn every_flipped_bit_of_the_proof_denies() {
    let good = World::governed();
    let envelope = good.proof.clone().unwrap();
    for at in 0..envelope.len() {
        let mut world = good.clone();
        world.proof.as_mut().unwrap()[at] ^= 1 << (at % 7);
        assert!(!world.verdict().is_allow(), "byte {at}");
    }
}

#[test]
fn on_mismatch_decides_only_the_status() {
    use Status::{GovernedInvalidated, GovernedRestricted, GovernedValid, Sandbox};
    assert_eq!(OnMismatch::Invalidate.apply(GovernedValid), GovernedInvalidated);
    assert_eq!(OnMismatch::Restrict.apply(GovernedValid), GovernedRestricted);
    assert_eq!(OnMismatch::DenyStart.apply(GovernedValid), GovernedValid);
    for option in OnMismatch::ALL {
        assert_eq!(option.apply(GovernedInvalidated), GovernedInvalidated, "quarantine is never left");
        assert_eq!(option.apply(Sandbox), Sandbox);
    }
}

#[test]
fn thirteen_codes_are_known_to_users_and_two_are_ours() {
    let names: Vec<&str> = DecisionCode::ALL.iter().map(|code| code.name()).collect();
    assert_eq!(names.len(), 15);
    assert_eq!(names.iter().filter(|name| name.starts_with("ADMISSION_DENY_")).count(), 8);
    assert!(DecisionCode::ALL.iter().all(|code| code.meaning().ends_with('.')));
    let ours = DecisionCode::ALL.iter().filter(|code| code.meaning().ends_with("Ours."));
    assert_eq!(ours.copied().collect::<Vec<_>>(), [InterceptorError, Quarantined]);
}

#[test]
fn remembered_proofs_are_asked_for_revocation_and_time_again() {
    let world = World::governed();
    let until = jiff::Timestamp::from_second(NOW + 10).unwrap();
    let keys = vec![verifying("ed25519").between(None, Some(until))];
    let trusted = TrustedKeys::remembering(keys, 2);
    let spec = AgentSpec::from_json(world.spec.to_string().as_bytes()).unwrap();
    let codes = |proof: &[u8], revoked: &RevocationList, now: i64| {
        let verdict = admit(&Request {
            spec: &spec,
            state: State::governed(),
            proof: Some(proof),
            policy_hash: world.policy_hash.as_deref(),
            keys: &trusted,
            revocations: revoked,
            expires_at: None,
            now,
        });
        verdict.failures.iter().map(|failure| failure.code).collect::<Vec<_>>()
    };
    let good = world.proof.clone().unwrap();
    let nobody = RevocationList::default();
    for _ in 0..3 {
        assert_eq!(codes(&good, &nobody, NOW), []);
        // One bit beside what was remembered, in every place.
        for at in (0..good.len()).step_by(97) {
            let mut other = good.clone();
            other[at] ^= 1;
            assert_ne!(codes(&other, &nobody, NOW), []);
        }
        let revoked = RevocationList::parse(verifying("ed25519").fingerprint().unwrap());
        assert_eq!(codes(&good, &revoked, NOW), [SignerRevoked]);
        assert_eq!(codes(&good, &nobody, NOW + 10), [SignatureInvalid]);
    }
    // More proofs than are remembered.
    for n in 0..5 {
        let mut another = world.clone();
        another.resign(|s| drop(s.predicate.details.insert("n".to_owned(), json!(n))));
        assert_eq!(codes(another.proof.as_ref().unwrap(), &nobody, NOW), []);
    }
}

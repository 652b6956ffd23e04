//! Promotion: the policy decides, the proof holds, the store and the log agree.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod common;

use common::{NOW, authority, gate, policy, request, request_json, signing, trusted, verifying};
use govc_audit::Event;
use govc_audit::event::{Kind, Verdict};
use govc_engine::proof;
use govc_governance::admission::TrustedKeys;
use govc_governance::outbox::AuditOutbox;
use govc_governance::promotion::{self, PromotionRequest};
use govc_governance::revocation::{Revoking, revoke};
use govc_governance::store::{
    Gate, PolicyVersion, ProofRecord, SqliteStore, Store, StoreError, admit, promote,
};
use govc_governance::{Actor, AgentSpec, DecisionCode, OnMismatch, Revocations, Status};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

const DAY: i64 = 86_400;

struct House {
    store: SqliteStore,
    id: i64,
    folder: tempfile::TempDir,
}

fn spec() -> AgentSpec {
    AgentSpec::from_json(request_json()["agent"].to_string().as_bytes()).unwrap()
}

fn house() -> House {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("governance.sqlite")).unwrap();
    let id = store.create_sandbox("finance", &spec(), "user-17", NOW).unwrap();
    House { store, id, folder }
}

impl House {
    fn promote(&self, change: impl FnOnce(&mut Value)) -> promotion::Promotion {
        let (policy, key) = (policy("agent-promotion"), signing("ed25519"));
        promote(&self.store, self.id, &authority(&policy, &key), &request(change)).unwrap()
    }

    fn admit(&self, now: i64) -> Vec<DecisionCode> {
        let policy = policy("agent-promotion");
        let verdict = admit(&self.store, self.id, &gate(Some(&policy), &trusted(), now)).unwrap();
        verdict.failures.iter().map(|failure| failure.code).collect()
    }

    fn status(&self) -> String {
        self.store.agent(self.id).unwrap().state.status
    }

    fn events(&self) -> Vec<Event> {
        let rows = self.store.waiting(99).unwrap();
        rows.iter().map(|row| Event::read(row.entry.as_bytes()).unwrap()).collect()
    }

    fn kinds(&self) -> Vec<&'static str> {
        self.events().into_iter().map(|event| event.code.unwrap().text()).collect()
    }
}

#[test]
fn an_agent_is_promoted_and_starts() {
    let house = house();
    assert_eq!(house.admit(NOW), []);
    let promotion = house.promote(|_| ());
    assert!(promotion.is_success());
    assert_eq!(house.status(), "GOVERNED_VALID");
    assert_eq!(house.admit(NOW + 1000 * DAY), [], "the sandbox's expiry does not bind a governed agent");
    assert_eq!(
        house.kinds(),
        ["ADMISSION_ALLOW", "PROMOTION_ATTEMPT", "PROMOTION_SUCCESS", "ADMISSION_ALLOW"]
    );
    let events = house.events();
    let digest = govc_engine::sha256_hex(promotion.proof.unwrap().as_bytes());
    assert_eq!(events[2].arguments_digest.as_ref().unwrap().text(), digest);
    let actor = json!({"id": "user-17", "role": "agent_admin"});
    assert_eq!(events[2].principals.caller.as_ref().unwrap().value(), Some(&actor));
    assert_eq!(events[1].correlation_id, events[2].correlation_id);
    assert_eq!(events[2].agent.as_deref(), Some(house.id.to_string().as_str()));
}

#[test]
fn the_proof_of_a_promotion_names_all_that_it_rests_on() {
    let (policy, key) = (policy("agent-promotion"), signing("ed25519").with_id("ops"));
    let promotion = promotion::decide(&authority(&policy, &key), &request(|_| ()));
    let envelope = promotion.proof.unwrap();
    let checked = proof::check(envelope.as_bytes(), &[verifying("ed25519")], &policy).unwrap();
    let statement = checked.statement;
    assert_eq!(statement.predicate_type, "https://govc.dev/predicate/promotion/v1");
    let spec = spec();
    assert_eq!(statement.subject_sha256("agent-spec"), Some(spec.digest()));
    let expected = json!({
        "agent_id": 42,
        "workspace_id": "finance",
        "policy_decision": "PASS",
        "policy_hash": policy.policy_hash(),
        "spec_hash": spec.digest(),
        "authority": "ops",
        "signed_at": "2026-01-05T08:00:00Z",
        "actor": {"id": "user-17", "role": "agent_admin"},
    });
    assert_eq!(Value::Object(statement.predicate.details), expected);
}

#[test]
fn a_denied_promotion_changes_nothing_but_the_log() {
    let house = house();
    let promotion = house.promote(|r| r["actorRole"] = json!("viewer"));
    assert_eq!(promotion.code, DecisionCode::PromotionDenied);
    assert_eq!(promotion.failures, ["role `viewer` may not promote agents"]);
    assert_eq!(promotion.proof, None);
    assert_eq!(house.status(), "SANDBOX");
    assert_eq!(house.store.proof(house.id).unwrap(), None);
    assert_eq!(house.kinds(), ["PROMOTION_ATTEMPT", "PROMOTION_DENIED"]);
    let denied = &house.events()[1].outcome;
    assert_eq!(denied.reasons, ["role `viewer` may not promote agents"]);
    assert_eq!(denied.error_codes, ["POLICY_DENIED"]);
    let shown = serde_json::to_value(&promotion).unwrap();
    assert_eq!(
        shown,
        json!({"decision": "DENY", "code": "PROMOTION_DENIED", "failures": ["role `viewer` may not promote agents"]})
    );
}

#[test]
fn promotion_starts_from_the_sandbox_only() {
    let house = house();
    assert!(house.promote(|_| ()).is_success());
    let again = house.promote(|_| ());
    assert_eq!(again.failures, ["the agent has status `GOVERNED_VALID`"]);
    common::restrict(&house.store, house.id, Status::GovernedInvalidated).unwrap();
    assert_eq!(house.promote(|_| ()).failures, ["the agent has status `GOVERNED_INVALIDATED`"]);
}

#[test]
fn a_request_about_another_specification_is_denied() {
    let house = house();
    let promotion = house.promote(|r| r["agent"]["version"] = json!("1.4.1"));
    assert_eq!(promotion.failures, ["the request is about another specification"]);
    assert_eq!(house.status(), "SANDBOX");
}

#[test]
fn an_entrypoint_that_is_missing_promotes_nobody() {
    let (policy, key) = (policy("agent-promotion"), signing("ed25519"));
    let mut authority = authority(&policy, &key);
    authority.entrypoint = "promotion/nothing";
    let promotion = promotion::decide(&authority, &request(|_| ()));
    assert_eq!(promotion.failures, ["the bundle has no entrypoint `promotion/nothing`"]);
}

#[test]
fn a_secret_that_is_too_short_promotes_nobody() {
    let policy = policy("agent-promotion");
    let key = govc_engine::SigningKey::from_secret(b"default-secret", govc_engine::Algorithm::Hs256).unwrap();
    let promotion = promotion::decide(&authority(&policy, &key), &request(|_| ()));
    assert_eq!(promotion.code, DecisionCode::PromotionDenied);
    assert!(promotion.failures[0].contains("at least 32"), "{:?}", promotion.failures);
}

#[test]
fn governed_agents_are_not_edited_and_sandboxed_ones_are() {
    let house = house();
    let other = AgentSpec::from_json(br#"{"name":"other"}"#).unwrap();
    house.store.update_sandbox(house.id, &other, NOW).unwrap();
    house.store.update_sandbox(house.id, &spec(), NOW).unwrap();
    assert!(house.promote(|_| ()).is_success());
    let refused = house.store.update_sandbox(house.id, &other, NOW).unwrap_err();
    assert_eq!(refused, StoreError::State { status: "GOVERNED_VALID".to_owned() });
    assert_eq!(house.store.update_sandbox(99, &other, NOW).unwrap_err(), StoreError::NotFound { id: 99 });
}

#[test]
fn a_quarantined_agent_never_starts_and_never_leaves() {
    let house = house();
    assert!(house.promote(|_| ()).is_success());
    common::restrict(&house.store, house.id, Status::GovernedRestricted).unwrap();
    assert_eq!(house.admit(NOW), []);
    common::restrict(&house.store, house.id, Status::GovernedInvalidated).unwrap();
    assert_eq!(house.admit(NOW), [DecisionCode::Quarantined]);
    assert!(common::restrict(&house.store, house.id, Status::GovernedRestricted).is_err());
    for status in [Status::GovernedValid, Status::Sandbox] {
        assert!(common::restrict(&house.store, house.id, status).is_err());
    }
}

#[test]
fn who_holds_an_agent_back_and_why_is_recorded_and_counted() {
    let house = house();
    assert!(house.promote(|_| ()).is_success());
    common::restrict(&house.store, house.id, Status::GovernedRestricted).unwrap();
    assert_eq!(house.store.counters().now().invalidations, 0);
    common::restrict(&house.store, house.id, Status::GovernedInvalidated).unwrap();
    assert!(common::restrict(&house.store, house.id, Status::GovernedRestricted).is_err());
    let events = house.events();
    assert_eq!(events.len(), 4, "the last was refused, and nothing happened");
    for (event, status) in events[2..].iter().zip(["GOVERNED_RESTRICTED", "GOVERNED_INVALIDATED"]) {
        assert_eq!((event.action.as_deref(), event.target.as_deref()), (Some("restrict"), Some(status)));
        assert_eq!(event.outcome.reasons, ["it misbehaved"]);
        let actor = json!({"id": "user-1", "role": "agent_admin"});
        assert_eq!(event.principals.caller.as_ref().unwrap().value(), Some(&actor));
    }
    assert_eq!(house.store.counters().now().invalidations, 1);
}

/// A start under other policies is denied whatever becomes of the status.
#[test]
fn a_mismatch_denies_and_decides_the_status() {
    let other = common::revalidation::stricter();
    for (on_mismatch, status) in [
        (OnMismatch::DenyStart, "GOVERNED_VALID"),
        (OnMismatch::Restrict, "GOVERNED_RESTRICTED"),
        (OnMismatch::Invalidate, "GOVERNED_INVALIDATED"),
    ] {
        let house = house();
        assert!(house.promote(|_| ()).is_success());
        let keys = trusted();
        let start = |policy, now| {
            let gate = Gate { on_mismatch, ..gate(Some(policy), &keys, now) };
            admit(&house.store, house.id, &gate).unwrap()
        };
        // Whatever else fails is no mismatch.
        let unknown = TrustedKeys::new(vec![verifying("other")]);
        let right = policy("agent-promotion");
        let gate = Gate { on_mismatch, ..gate(Some(&right), &unknown, NOW) };
        assert!(!admit(&house.store, house.id, &gate).unwrap().is_allow());
        assert_eq!(house.status(), "GOVERNED_VALID");
        let verdict = start(&other, NOW);
        assert_eq!(verdict.code(), DecisionCode::PolicyHashMismatch);
        assert_eq!(house.status(), status);
        let events = house.events();
        let changed = on_mismatch != OnMismatch::DenyStart;
        assert_eq!(events.len(), 4 + usize::from(changed));
        assert_eq!(events[3].code.unwrap().text(), "ADMISSION_DENY_POLICY_HASH_MISMATCH");
        if changed {
            assert_eq!(events[4].target.as_deref(), Some(status));
            assert_eq!(events[4].outcome.reasons, [verdict.failures[0].reason.clone()]);
        }
        // Once more: the status is as it was left, and nothing new is told of it.
        assert!(!start(&other, NOW).is_allow());
        assert_eq!((house.status().as_str(), house.events().len()), (status, events.len() + 1));
        // Under the right policies a restricted agent starts, a quarantined one never.
        assert_eq!(start(&right, NOW).is_allow(), on_mismatch != OnMismatch::Invalidate);
    }
}

#[test]
fn a_start_that_the_store_cannot_judge_is_denied_and_recorded() {
    let house = house();
    let (policy, keys) = (policy("agent-promotion"), trusted());
    let start = |id| admit(&house.store, id, &gate(Some(&policy), &keys, NOW));
    assert_eq!(start(99).unwrap_err(), StoreError::NotFound { id: 99 });
    let other = rusqlite::Connection::open(house.folder.path().join("governance.sqlite")).unwrap();
    other.execute("UPDATE agent_specs SET spec = replace(spec, '1.4.0', '6.6.6')", []).unwrap();
    assert_eq!(start(house.id).unwrap_err().code(), "govc_store_corrupt");
    assert_eq!(house.kinds(), ["INTERCEPTOR_ERROR", "INTERCEPTOR_ERROR"]);
    assert_eq!(house.events()[1].outcome.error_codes, ["govc_store_corrupt"]);
}

#[test]
fn an_expired_sandbox_does_not_start() {
    let house = house();
    assert_eq!(house.admit(NOW + 3 * DAY - 1), []);
    assert_eq!(house.admit(NOW + 3 * DAY), [DecisionCode::SandboxExpired]);
}

fn revoked(store: &SqliteStore, signer: &str, role: &str) -> Result<(), &'static str> {
    let actor = Actor { id: "user-1", role };
    let revoking = Revoking { signer, actor, reason: "lost laptop", now: NOW };
    revoke(store, &revoking).map_err(|error| error.code())
}

#[test]
fn who_may_not_revoke_does_not_and_both_are_recorded() {
    let house = house();
    assert!(house.promote(|_| ()).is_success());
    let fingerprint = verifying("ed25519").fingerprint().unwrap().to_owned();
    let before = house.events().len();
    for role in ["viewer", "", "Agent_Admin", "agent_admin "] {
        assert_eq!(revoked(&house.store, &fingerprint, role), Err("govc_revoke_role"));
    }
    for signer in ["", " ", "two words"] {
        assert_eq!(revoked(&house.store, signer, "agent_admin"), Err("govc_revoke_signer"));
    }
    assert_eq!(house.admit(NOW), []);
    assert_eq!(revoked(&house.store, &fingerprint.to_uppercase(), "agent_admin"), Ok(()));
    assert_eq!(house.admit(NOW), [DecisionCode::SignerRevoked]);
    let told: Vec<Event> = house.events().split_off(before);
    let told: Vec<&Event> = told.iter().filter(|event| event.kind == Kind::Revocation).collect();
    let codes = told.iter().map(|event| event.outcome.error_codes.join(" "));
    let wanted = [["govc_revoke_role"; 4].as_slice(), &["govc_revoke_signer"; 3], &[""]].concat();
    assert_eq!(codes.collect::<Vec<_>>(), wanted);
    assert_eq!(told.last().unwrap().outcome.verdict, Verdict::Success);
}

#[test]
fn no_start_that_begins_after_a_revocation_is_allowed() {
    let house = house();
    assert!(house.promote(|_| ()).is_success());
    let (policy, keys) = (policy("agent-promotion"), trusted());
    let fingerprint = verifying("ed25519").fingerprint().unwrap().to_owned();
    let (gone, allowed) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..3 {
            // Each with what it remembers of the proof.
            scope.spawn(|| {
                let mut denied = 0;
                while denied < 50 {
                    let too_late = gone.load(Ordering::SeqCst);
                    let verdict = admit(&house.store, house.id, &gate(Some(&policy), &keys, NOW)).unwrap();
                    assert!(!(too_late && verdict.is_allow()), "revoked before it began");
                    allowed.fetch_add(usize::from(verdict.is_allow()), Ordering::SeqCst);
                    denied += usize::from(!verdict.is_allow());
                }
            });
        }
        while allowed.load(Ordering::SeqCst) < 30 {
            std::thread::yield_now();
        }
        assert_eq!(revoked(&house.store, &fingerprint, "agent_admin"), Ok(()));
        gone.store(true, Ordering::SeqCst);
    });
}

#[test]
fn a_revoked_signer_stays_revoked_after_a_restart() {
    let house = house();
    assert!(house.promote(|_| ()).is_success());
    let fingerprint = verifying("ed25519").fingerprint().unwrap().to_owned();
    assert_eq!(revoked(&house.store, &fingerprint, "agent_admin"), Ok(()));
    assert_eq!(revoked(&house.store, &fingerprint, "policy_admin"), Ok(()), "once more is no error");
    assert_eq!(house.admit(NOW), [DecisionCode::SignerRevoked]);
    let House { store, id, folder } = house;
    drop(store);
    let store = SqliteStore::open(folder.path().join("governance.sqlite")).unwrap();
    assert_eq!(store.is_revoked(&fingerprint.to_uppercase()), Ok(true));
    let reopened = House { store, id, folder };
    assert_eq!(reopened.admit(NOW), [DecisionCode::SignerRevoked]);
    assert_eq!(reopened.status(), "GOVERNED_VALID");
}

#[test]
fn proofs_and_policy_versions_are_kept_once() {
    let house = house();
    assert!(house.promote(|_| ()).is_success());
    let record = house.store.proof(house.id).unwrap().unwrap();
    assert_eq!((record.policy_hash.len(), record.spec_hash.len()), (64, 64));
    assert_eq!(record.spec_hash, spec().digest());
    let versions = house.store.policy_versions("finance").unwrap();
    assert_eq!(versions.len(), 1);
    assert_eq!(versions[0].hash, record.policy_hash);
    let second = house.store.create_sandbox("finance", &spec(), "user-17", NOW).unwrap();
    let (policy, key) = (policy("agent-promotion"), signing("ed25519"));
    let promoted = promote(&house.store, second, &authority(&policy, &key), &request(|_| ())).unwrap();
    assert!(promoted.is_success());
    assert_eq!(house.store.policy_versions("finance").unwrap().len(), 1);
    assert_eq!(house.store.agents("finance").unwrap().len(), 2);
    assert_eq!(house.store.agents("elsewhere").unwrap().len(), 0);
}

#[test]
fn a_row_that_was_changed_behind_our_back_denies() {
    let house = house();
    assert!(house.promote(|_| ()).is_success());
    let other = rusqlite::Connection::open(house.folder.path().join("governance.sqlite")).unwrap();
    other.execute("UPDATE agent_specs SET spec = replace(spec, '1.4.0', '6.6.6')", []).unwrap();
    assert!(matches!(house.store.agent(house.id), Err(StoreError::Corrupt(_))));
    let policy = policy("agent-promotion");
    let refused = admit(&house.store, house.id, &gate(Some(&policy), &trusted(), NOW));
    assert!(matches!(refused, Err(StoreError::Corrupt(_))));
    // With a matching digest beside it, the proof still tells.
    let forged = house.store.agents("finance");
    assert!(forged.is_err());
    let text: String = other.query_row("SELECT spec FROM agent_specs", [], |row| row.get(0)).unwrap();
    let digest = AgentSpec::from_json(text.as_bytes()).unwrap().digest().to_owned();
    other.execute("UPDATE agent_specs SET spec_hash = ?1", [digest]).unwrap();
    assert_eq!(house.admit(NOW), [DecisionCode::SpecHashMismatch]);
}

/// A store as it was before proofs could share a signature.
#[test]
fn an_older_store_is_taken_along_and_a_newer_one_is_refused() {
    let house = house();
    assert!(house.promote(|_| ()).is_success());
    let path = house.folder.path().join("governance.sqlite");
    let other = rusqlite::Connection::open(&path).unwrap();
    let older = "PRAGMA foreign_keys = OFF; PRAGMA user_version = 0;
        ALTER TABLE agent_proofs DROP COLUMN policy_set; ALTER TABLE agent_proofs DROP COLUMN input_id;
        ALTER TABLE agent_proofs DROP COLUMN batch_id; ALTER TABLE agent_proofs DROP COLUMN leaf;
        ALTER TABLE agent_proofs DROP COLUMN path; ALTER TABLE agent_proofs DROP COLUMN input_at;
        DROP TABLE proof_inputs; DROP TABLE proof_batches;";
    other.execute_batch(older).unwrap();
    let House { folder, id, .. } = house;
    let house = House { store: SqliteStore::open(&path).unwrap(), id, folder };
    assert_eq!(house.admit(NOW), []);
    let set: String = other.query_row("SELECT policy_set FROM agent_proofs", [], |row| row.get(0)).unwrap();
    assert_eq!(set, "promotion/result");
    let version: i64 = other.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    other.pragma_update(None, "user_version", version + 1).unwrap();
    assert_eq!(SqliteStore::open(&path).unwrap_err().code(), "govc_store_database");
}

#[test]
fn the_database_refuses_states_that_do_not_exist() {
    let house = house();
    let other = rusqlite::Connection::open(house.folder.path().join("governance.sqlite")).unwrap();
    for sql in [
        "UPDATE agent_specs SET mode = 'prod'",
        "UPDATE agent_specs SET governance_status = 'governed_valid'",
        "UPDATE agent_specs SET spec_hash = 'short'",
    ] {
        assert!(other.execute(sql, []).is_err(), "{sql}");
    }
}

fn event() -> Event {
    Event::coded(govc_audit::event::Code::PromotionSuccess)
}

#[test]
fn governing_is_one_transaction() {
    let house = house();
    let proof = ProofRecord {
        policy_hash: "short".to_owned(),
        spec_hash: spec().digest().to_owned(),
        authority: "a".to_owned(),
        signed_at: NOW,
        envelope: "{}".to_owned(),
    };
    let version = PolicyVersion {
        workspace: "finance".to_owned(),
        policy_set: "p".to_owned(),
        hash: "0".repeat(64),
        bundle: "{}".to_owned(),
        actor: "a".to_owned(),
        reason: "r".to_owned(),
    };
    // The proof's row is refused by the database, so the status must not change either.
    assert!(house.store.govern(house.id, &proof, &version, "{}", event(), NOW).is_err());
    assert_eq!(house.status(), "SANDBOX");
    assert_eq!(house.store.policy_versions("finance").unwrap(), []);
    let changed = ProofRecord { policy_hash: "0".repeat(64), spec_hash: "1".repeat(64), ..proof };
    assert_eq!(
        house.store.govern(house.id, &changed, &version, "{}", event(), NOW),
        Err(StoreError::Changed)
    );
}

#[test]
fn two_promotions_at_once_have_one_winner() {
    let house = house();
    let policy = policy("agent-promotion");
    let outcomes: Vec<bool> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let key = signing("ed25519");
                    promote(&house.store, house.id, &authority(&policy, &key), &request(|_| ()))
                        .unwrap()
                        .is_success()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(outcomes.iter().filter(|won| **won).count(), 1);
    let kinds = house.kinds();
    assert_eq!(kinds.iter().filter(|kind| **kind == "PROMOTION_SUCCESS").count(), 1);
    assert_eq!(kinds.iter().filter(|kind| **kind == "PROMOTION_ATTEMPT").count(), 8);
}

/// From now on the database refuses events of a kind, as a full disk would.
fn refuse(house: &House, code: &str) {
    let other = rusqlite::Connection::open(house.folder.path().join("governance.sqlite")).unwrap();
    let sql = format!(
        "CREATE TRIGGER no_{code} BEFORE INSERT ON audit_outbox WHEN instr(NEW.entry, '\"{code}\"')
         BEGIN SELECT RAISE(ABORT, 'no space left on device'); END"
    );
    other.execute_batch(&sql).unwrap();
}

#[test]
fn what_cannot_be_recorded_does_not_happen() {
    let (policy, key) = (policy("agent-promotion"), signing("ed25519"));
    for code in ["PROMOTION_ATTEMPT", "PROMOTION_SUCCESS"] {
        let house = house();
        refuse(&house, code);
        let refused = promote(&house.store, house.id, &authority(&policy, &key), &request(|_| ()));
        assert_eq!(refused.unwrap_err().code(), "govc_store_database");
        assert_eq!(house.status(), "SANDBOX");
        assert_eq!(house.store.proof(house.id).unwrap(), None);
        assert_eq!(house.store.policy_versions("finance").unwrap(), []);
    }
    let house = house();
    assert!(house.promote(|_| ()).is_success());
    refuse(&house, "ADMISSION_ALLOW");
    let refused = admit(&house.store, house.id, &gate(Some(&policy), &trusted(), NOW));
    assert_eq!(refused.unwrap_err().code(), "govc_store_database");
}

#[test]
fn an_attempt_on_an_agent_that_is_not_there_is_recorded() {
    let house = house();
    let (policy, key) = (policy("agent-promotion"), signing("ed25519"));
    let refused = promote(&house.store, 99, &authority(&policy, &key), &request(|_| ()));
    assert_eq!(refused.unwrap_err(), StoreError::NotFound { id: 99 });
    assert_eq!(house.kinds(), ["PROMOTION_ATTEMPT", "PROMOTION_DENIED"]);
}

#[test]
fn both_sets_of_codes_have_the_same_names() {
    let ours: Vec<&str> = DecisionCode::ALL.iter().map(|code| code.name()).collect();
    let log: Vec<&str> = govc_audit::event::Code::ALL.iter().map(|code| code.text()).collect();
    assert_eq!(ours, log);
}

#[test]
fn requests_are_read_from_parts_or_from_a_document() {
    let document = request(|_| ());
    let limits = json!({"maxMonthlyBudgetUsd": 1000});
    let parts = PromotionRequest::new(spec(), "user-17", "agent_admin", &limits).unwrap();
    let canonical = |request: &PromotionRequest| govc_engine::canonical_json(request.input()).unwrap();
    assert_eq!(canonical(&document), canonical(&parts));
    assert_eq!(document.spec().digest(), parts.spec().digest());
    assert_eq!((document.actor(), document.role()), ("user-17", "agent_admin"));
    for text in ["", "[]", "{}", "{\"agent\":1}", "{\"agent\":null}", "7"] {
        assert!(PromotionRequest::from_json(text.as_bytes()).is_err(), "{text}");
    }
    let plain = AgentSpec::from_spec_or_request(b"{\"agent\":\"a name\",\"x\":1}").unwrap();
    assert_eq!(plain.text("agent"), Some("a name"));
}

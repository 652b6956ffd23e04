//! Policies change: who passes, who does not, who waits; what is recorded and what is counted.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod common;

use common::revalidation::{ENTRYPOINT, House, Numbers, stricter};
use common::{NOW, gate, policy, signing, trusted, verifying};
use govc_audit::event::Verdict;
use govc_engine::{PolicyHandle, Trust, proof};
use govc_governance::metrics::Counts;
use govc_governance::policies::{Change, ReloadError, activate, hot_reload};
use govc_governance::revocation::{Revoking, revoke};
use govc_governance::store::{Store, StoreError, admit};
use govc_governance::{Actor, DecisionCode, Status};

const ADMIN: Actor<'_> = Actor { id: "user-1", role: "policy_admin" };

fn change(actor: Actor<'_>) -> Change<'_> {
    Change { workspace: "finance", policy_set: ENTRYPOINT, actor, reason: "quarterly review", now: NOW }
}

#[test]
fn who_passes_is_renewed_and_who_fails_is_invalidated_with_reasons() {
    let house = House::of(40);
    let (old, new) = (policy("agent-promotion"), stricter());
    assert_ne!(old.policy_hash(), new.policy_hash());
    activate(&house.store, &new, &change(ADMIN)).unwrap();
    // Not yet done: denied, whoever they are.
    for id in house.ids() {
        assert_eq!(house.starts(id, &new), [DecisionCode::PolicyHashMismatch]);
    }
    let summary = house.revalidate(&new, 7).unwrap();
    let expected = house.expected(&new);
    assert_eq!(
        summary.invalidated,
        expected.iter().filter(|(_, reasons)| !reasons.is_empty()).count() as u64
    );
    assert_eq!(summary.renewed + summary.invalidated, 40);
    assert!(summary.renewed > 10 && summary.invalidated > 10, "{summary:?}");
    for (id, reasons) in expected {
        let passes = reasons.is_empty();
        let status = if passes { "GOVERNED_VALID" } else { "GOVERNED_INVALIDATED" };
        assert_eq!(house.store.agent(id).unwrap().state.status, status);
        assert_eq!(house.store.invalidation(id).unwrap(), (!passes).then_some(reasons));
        let codes = house.starts(id, &new);
        match passes {
            true => assert_eq!(codes, []),
            false => assert_eq!(codes, [DecisionCode::PolicyHashMismatch, DecisionCode::Quarantined]),
        }
    }
}

#[test]
fn a_new_proof_is_one_of_a_promotion_under_the_new_policies_and_replays() {
    let house = House::of(20);
    let new = stricter();
    activate(&house.store, &new, &change(ADMIN)).unwrap();
    let _ = house.revalidate(&new, 6).unwrap();
    let mut seen = 0;
    for id in house.ids().filter(|id| house.store.invalidation(*id).unwrap().is_none()) {
        let record = house.store.proof(id).unwrap().unwrap();
        assert_eq!(record.policy_hash, new.policy_hash());
        let checked = proof::check(record.envelope.as_bytes(), &[verifying("ed25519")], &new).unwrap();
        let details = &checked.statement.predicate.details;
        assert_eq!(details["policy_hash"], new.policy_hash());
        assert_eq!(details["spec_hash"], record.spec_hash.as_str());
        assert_eq!(details["actor"]["id"], "user-17");
        assert_eq!(details["revalidated_by"]["id"], "user-1");
        seen += 1;
    }
    assert!(seen > 5);
    // And again, from proofs that share a signature, back to the policies before.
    let old = policy("agent-promotion");
    activate(&house.store, &old, &change(ADMIN)).unwrap();
    let summary = house.revalidate(&old, 100).unwrap();
    assert_eq!((summary.renewed, summary.invalidated), (seen, 0));
    for id in house.ids().filter(|id| house.store.invalidation(*id).unwrap().is_none()) {
        assert_eq!(house.starts(id, &old), []);
    }
}

#[test]
fn restricted_agents_stay_restricted_and_quarantined_ones_are_left_alone() {
    let house = House::of(12);
    let new = stricter();
    let expected = house.expected(&new);
    let passing: Vec<i64> = expected.iter().filter(|(_, why)| why.is_empty()).map(|(id, _)| *id).collect();
    common::restrict(&house.store, passing[0], Status::GovernedRestricted).unwrap();
    common::restrict(&house.store, passing[1], Status::GovernedInvalidated).unwrap();
    activate(&house.store, &new, &change(ADMIN)).unwrap();
    let summary = house.revalidate(&new, 100).unwrap();
    assert_eq!(summary.renewed, passing.len() as u64 - 1);
    assert_eq!(house.store.agent(passing[0]).unwrap().state.status, "GOVERNED_RESTRICTED");
    assert_eq!(house.starts(passing[0], &new), []);
    assert_eq!(house.store.agent(passing[1]).unwrap().state.status, "GOVERNED_INVALIDATED");
    assert_ne!(house.store.proof(passing[1]).unwrap().unwrap().policy_hash, new.policy_hash());
}

#[test]
fn what_was_changed_behind_our_back_gets_no_new_proof() {
    let house = House::of(12);
    let new = stricter();
    let expected = house.expected(&new);
    let passing: Vec<i64> = expected.iter().filter(|(_, why)| why.is_empty()).map(|(id, _)| *id).collect();
    let other = house.connection();
    let [digest, spec, forged, cut] = passing[..4] else { panic!("too few pass") };
    let edit = "UPDATE agent_specs SET spec = replace(spec, '1.4.0', '6.6.6') WHERE id = ?1";
    other.execute(edit, [digest]).unwrap();
    other.execute(edit, [spec]).unwrap();
    let text: String =
        other.query_row("SELECT spec FROM agent_specs WHERE id = ?1", [spec], |row| row.get(0)).unwrap();
    let hash = govc_governance::AgentSpec::from_json(text.as_bytes()).unwrap().digest().to_owned();
    other.execute("UPDATE agent_specs SET spec_hash = ?1 WHERE id = ?2", (&hash, spec)).unwrap();
    let swap = "UPDATE agent_proofs SET signature = (SELECT signature FROM agent_proofs WHERE agent_id = ?1)
                WHERE agent_id = ?2";
    other.execute(swap, (passing[4], forged)).unwrap();
    other
        .execute("UPDATE agent_proofs SET signature = substr(signature, 9) WHERE agent_id = ?1", [cut])
        .unwrap();
    activate(&house.store, &new, &change(ADMIN)).unwrap();
    let _ = house.revalidate(&new, 100).unwrap();
    let why = |id: i64| house.store.invalidation(id).unwrap().unwrap()[0].clone();
    assert_eq!(why(digest), "the stored specification lost its digest");
    assert_eq!(why(spec), "the specification is not the one that was promoted");
    assert_eq!(why(forged), "the specification is not the one that was promoted");
    assert!(why(cut).starts_with("the envelope cannot be read"), "{}", why(cut));
    assert_eq!(house.starts(passing[4], &new), []);
}

#[test]
fn a_revoked_signer_or_one_past_its_time_renews_nobody() {
    let new = stricter();
    let house = House::of(4);
    let (key, actor) = (verifying("ed25519"), Actor { id: "user-1", role: "agent_admin" });
    let revoking = Revoking { signer: key.fingerprint().unwrap(), actor, reason: "lost laptop", now: NOW };
    revoke(&house.store, &revoking).unwrap();
    activate(&house.store, &new, &change(ADMIN)).unwrap();
    assert_eq!(house.revalidate(&new, 100).unwrap().renewed, 0);
    let house = House::of(4);
    activate(&house.store, &new, &change(ADMIN)).unwrap();
    let past = verifying("ed25519").between(None, jiff::Timestamp::from_second(NOW).ok());
    assert_eq!(house.revalidate_with(&new, &[past], 100).unwrap().renewed, 0);
}

#[test]
fn policies_that_are_not_in_force_revalidate_nobody() {
    let house = House::of(3);
    let new = stricter();
    let refused = house.revalidate(&new, 100).unwrap_err();
    assert_eq!(refused, StoreError::NotInForce { hash: new.policy_hash().to_owned() });
    for id in house.ids() {
        assert_eq!(house.starts(id, &policy("agent-promotion")), []);
    }
}

#[test]
fn every_change_of_policies_is_recorded_with_actor_reason_and_both_hashes() {
    let house = House::of(1);
    let (old, new) = (policy("agent-promotion"), stricter());
    let bundle = common::revalidation::stricter_bundle();
    activate(&house.store, &old, &change(ADMIN)).unwrap();
    let handle = PolicyHandle::new(old.clone());
    let unsigned = Trust::unsigned();
    let reload = |bundle: &[u8], trust: &Trust, change: &Change<'_>| {
        hot_reload(&house.store, &handle, bundle, trust, change).map(drop)
    };
    let viewer = Actor { id: "user-2", role: "viewer" };
    let role = ReloadError::Role { role: "viewer".to_owned() };
    assert_eq!(reload(&bundle, &unsigned, &change(viewer)), Err(role));
    let signed = Trust::key(verifying("ed25519"));
    assert!(matches!(reload(&bundle, &signed, &change(ADMIN)), Err(ReloadError::Load(_))));
    assert!(matches!(reload(b"half a bundle", &unsigned, &change(ADMIN)), Err(ReloadError::Load(_))));
    let nothing = Change { policy_set: "promotion/nothing", ..change(ADMIN) };
    assert!(matches!(reload(&bundle, &unsigned, &nothing), Err(ReloadError::Entrypoint { .. })));
    assert_eq!(handle.current().digest(), old.digest(), "the old policies stay");
    assert_eq!(
        house.store.policies_in_force("finance", ENTRYPOINT).unwrap().as_deref(),
        Some(old.policy_hash())
    );
    assert_eq!(reload(&bundle, &unsigned, &change(ADMIN)), Ok(()));
    assert_eq!(handle.current().policy_hash(), new.policy_hash());
    let events = house.events_of(DecisionCode::PolicyHotreload);
    let told: Vec<_> = events
        .iter()
        .map(|event| (event.outcome.verdict, event.outcome.error_codes.first().map_or("", String::as_str)))
        .collect();
    assert_eq!(told[0], (Verdict::Success, ""));
    assert_eq!(told[1], (Verdict::Failure, "govc_reload_role"));
    assert!(told[2].0 == Verdict::Failure && told[3].0 == Verdict::Failure);
    assert_eq!(told[4], (Verdict::Failure, "govc_reload_entrypoint"));
    assert_eq!(told[5], (Verdict::Success, ""));
    let last = events[5].arguments.as_ref().unwrap().value().unwrap();
    assert_eq!(last["old_hash"], old.policy_hash());
    assert_eq!(last["new_hash"], new.policy_hash());
    assert_eq!(last["reason"], "quarterly review");
    let versions = house.store.policy_versions("finance").unwrap();
    assert_eq!(versions.last().unwrap().actor, "user-1");
}

#[test]
fn a_bundle_that_changes_nothing_that_decides_invalidates_nobody() {
    let house = House::of(5);
    let same = common::revalidation::same_policies();
    assert_ne!(same.digest(), policy("agent-promotion").digest());
    activate(&house.store, &same, &change(ADMIN)).unwrap();
    assert_eq!(house.revalidate(&same, 100).unwrap(), Default::default());
    for id in house.ids() {
        assert_eq!(house.starts(id, &same), []);
    }
}

#[test]
fn the_seven_counters_equal_the_audit_log() {
    let house = House::of(30);
    let (old, new) = (policy("agent-promotion"), stricter());
    activate(&house.store, &old, &change(ADMIN)).unwrap();
    assert!(activate(&house.store, &new, &change(Actor { id: "x", role: "Policy_Admin" })).is_err());
    for id in house.ids().take(3) {
        // Governed already, so denied.
        let key = signing("ed25519");
        let authority = common::authority(&old, &key);
        let _ = govc_governance::store::promote(&house.store, id, &authority, &house.request(id)).unwrap();
    }
    let sandboxed = house.denied_promotion();
    assert_eq!(house.starts(sandboxed, &old), []);
    assert!(admit(&house.store, sandboxed, &gate(None, &trusted(), NOW + 400 * 86_400)).is_ok());
    activate(&house.store, &new, &change(ADMIN)).unwrap();
    house.ids().take(4).for_each(|id| drop(house.starts(id, &new)));
    let _ = house.revalidate(&new, 7).unwrap();
    house.ids().for_each(|id| drop(house.starts(id, &new)));
    let counted = house.store.counters().now();
    let (from_log, naive) = house.counts_of_log();
    assert_eq!(counted, from_log);
    assert_eq!(naive, Numbers::of(&counted));
    assert!(naive.all_seen(), "{naive:?}");
    let text = counted.export();
    assert!(text.contains("policy_reload_success_total 2\n"), "{text}");
    assert!(text.contains("promotion_denies_total{reason=\"NOT_IN_SANDBOX\"} 3\n"), "{text}");
    assert!(text.contains("promotion_denies_total{reason=\"POLICY_DENIED\"} 1\n"), "{text}");
    house.store.counters().reset();
    assert_eq!(house.store.counters().now(), Counts::default());
}

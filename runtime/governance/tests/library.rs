//! Promotions under the library's policies: each denial has its stable code, in the answer, in the log and in the counters.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod common;

use common::{NOW, authority, policy, request, request_json, signing};
use govc_audit::Event;
use govc_governance::outbox::AuditOutbox;
use govc_governance::promotion::{Authority, PromotionRequest};
use govc_governance::store::{SqliteStore, Store, promote};
use serde_json::{Value, json};

/// A code, the place in a request to break for it, and with what.
type Break = (&'static str, &'static str, fn() -> Value);

/// One way to break each check.
const BREAKS: [Break; 6] = [
    ("ANATOMY_INCOMPLETE", "/agent/anatomy/memory", || json!({})),
    ("BUDGET_EXCEEDED", "/agent/economics/monthlyBudgetUsd", || json!(1000.01)),
    ("CONTAINMENT_VIOLATION", "/agent/sandbox_constraints/persistent_writes", || json!("false")),
    ("INVALID_CAPABILITIES", "/agent/capabilities", || json!([])),
    ("PERMISSION_DENIED", "/actorRole", || json!("Agent_Admin")),
    ("TEMPERATURE_VIOLATION", "/agent/anatomy/reasoning/temperature", || json!(0.70000001)),
];

/// A request in which the checks of a set of bits are broken.
fn broken(combination: usize) -> (PromotionRequest, Vec<&'static str>) {
    let chosen: Vec<_> =
        BREAKS.iter().enumerate().filter(|(at, _)| combination >> at & 1 == 1).map(|(_, one)| one).collect();
    let request = request(|document| {
        for (_, place, value) in &chosen {
            *document.pointer_mut(place).unwrap() = value();
        }
    });
    (request, chosen.iter().map(|(code, ..)| *code).collect())
}

#[test]
fn every_combination_is_denied_with_exactly_its_codes() {
    let store = SqliteStore::in_memory().unwrap();
    let (policy, key) = (policy("promotion-library"), signing("ed25519"));
    let authority = Authority { entrypoint: "govc/promotion/result", ..authority(&policy, &key) };
    for combination in 0..1 << BREAKS.len() {
        let (request, codes) = broken(combination);
        let id = store.create_sandbox("finance", request.spec(), "user-17", NOW).unwrap();
        let promotion = promote(&store, id, &authority, &request).unwrap();
        assert_eq!(promotion.codes, codes);
        assert_eq!(promotion.failures.len(), codes.len());
        assert_eq!(promotion.is_success(), codes.is_empty());
        let status = store.agent(id).unwrap().state.status;
        assert_eq!(status, if codes.is_empty() { "GOVERNED_VALID" } else { "SANDBOX" });
        let told = store.waiting(999).unwrap();
        let last = Event::read(told.last().unwrap().entry.as_bytes()).unwrap();
        assert_eq!((last.outcome.error_codes, last.outcome.reasons), (promotion.codes, promotion.failures));
    }
    // Each denial counts under its first code, which is the first of the alphabet.
    let counted = store.counters().now();
    let half = (0..BREAKS.len()).map(|at| 1_u64 << (BREAKS.len() - 1 - at));
    let expected = BREAKS.iter().map(|(code, ..)| (*code).to_owned()).zip(half).collect();
    assert_eq!((counted.promotion_attempts, counted.promotion_denies), (64, expected));
}

/// Whatever is missing from a request that passes denies it, as far as a check looks at it.
#[test]
fn what_a_check_looks_at_must_be_there() {
    let (policy, key) = (policy("promotion-library"), signing("ed25519"));
    let authority = Authority { entrypoint: "govc/promotion/result", ..authority(&policy, &key) };
    for (code, place, _) in BREAKS {
        for value in [None, Some(json!(null)), Some(json!(true)), Some(json!("NaN")), Some(json!([[]]))] {
            let mut document = request_json();
            let (parent, name) = place.rsplit_once('/').unwrap();
            let members = document.pointer_mut(parent).unwrap().as_object_mut().unwrap();
            let _before = members.remove(name);
            members.extend(value.map(|value| (name.to_owned(), value)));
            let request = PromotionRequest::from_json(document.to_string().as_bytes()).unwrap();
            let promotion = govc_governance::promotion::decide(&authority, &request);
            // A list with something in it is a part of an anatomy.
            let part = code == "ANATOMY_INCOMPLETE" && document.pointer(place) == Some(&json!([[]]));
            assert_eq!(promotion.codes, if part { vec![] } else { vec![code] }, "{place}: {document}");
        }
    }
}

//! Approvals and delegations over a store.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod common;

use common::{signing, verifying};
use govc_audit::Event;
use govc_governance::approval::{
    Approval, ApprovalDesk, ApprovalRefusal, ApprovalRule, ApprovalStatus, Vote,
};
use govc_governance::delegation::{Delegate, DelegationOffice, DelegationPolicy, DelegationRefusal, Scope};
use govc_governance::outbox::AuditOutbox;
use govc_governance::store::SqliteStore;
use govc_governance::ticket::{Issuer, Redeemer, TicketRefusal, Use, Verifier};
use govc_governance::{CanonicalAction, Principal};
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;

const NOW: i64 = 1_800_000_000;

fn person(name: &str) -> Principal {
    Principal::verified_elsewhere(name, Some(format!("key of {name}")))
}

fn action(target: &str) -> CanonicalAction {
    CanonicalAction::new("delete-namespace", target, &json!({"name": "old"}), &"ab".repeat(32)).unwrap()
}

fn rule(needed: usize) -> ApprovalRule {
    let approvers = ["ada", "bob", "cy"].map(str::to_owned).into();
    ApprovalRule { approvers, needed, lifetime: 600 }
}

struct World {
    store: Arc<SqliteStore>,
    desk: ApprovalDesk,
    issuer: Issuer,
}

impl World {
    fn new() -> Self {
        let store = Arc::new(SqliteStore::in_memory().unwrap());
        let issuer = Issuer::new("govc", signing("ed25519")).unwrap();
        Self { desk: ApprovalDesk::new(store.clone()), store, issuer }
    }

    fn request(&self, needed: usize) -> Approval {
        self.desk.request(&person("eve"), &action("prod"), "here", &rule(needed), NOW).unwrap()
    }

    fn vote(&self, id: &str, by: &str, vote: Vote) -> Result<Approval, ApprovalRefusal> {
        self.desk.vote(id, &person(by), vote, NOW + 1)
    }

    fn ticket(&self, id: &str, by: &str, target: &str, now: i64) -> Result<String, ApprovalRefusal> {
        self.desk.ticket(id, &person(by), &action(target), &self.issuer, now).map(|ticket| ticket.token)
    }

    fn redeem(&self, token: &str) -> Result<(), TicketRefusal> {
        let verifier = Verifier::new("govc", "here", [verifying("ed25519")]).unwrap();
        let shown_for = Use { caller: &person("eve"), action: &action("prod") };
        Redeemer::new(self.store.clone(), verifier).redeem(token, shown_for, NOW + 9).map(drop)
    }

    fn told(&self) -> Vec<String> {
        let rows = self.store.waiting(99).unwrap();
        let events = rows.iter().map(|row| Event::read(row.entry.as_bytes()).unwrap());
        events.map(|event| event.policy_checks[0].result.clone()).collect()
    }
}

#[test]
fn a_granted_approval_gives_one_ticket_and_one_execution() {
    let world = World::new();
    let id = world.request(2).id;
    assert_eq!(world.ticket(&id, "eve", "prod", NOW + 2).unwrap_err().code(), "govc_approval_pending");
    world.vote(&id, "ada", Vote::Allow).unwrap();
    assert_eq!(world.vote(&id, "bob", Vote::Allow).unwrap().status(NOW + 2), ApprovalStatus::Approved);
    let token = world.ticket(&id, "eve", "prod", NOW + 2).unwrap();
    assert_eq!(world.ticket(&id, "eve", "prod", NOW + 5).unwrap(), token, "asked again, the same ticket");
    assert_eq!(world.redeem(&token), Ok(()));
    assert_eq!(world.redeem(&token), Err(TicketRefusal::Replay));
    let over = ApprovalRefusal::Over { status: ApprovalStatus::Executed };
    assert_eq!(world.ticket(&id, "eve", "prod", NOW + 9), Err(over));
    assert_eq!(world.told(), ["requested", "allowed", "allowed", "ticketed", "redeemed", "refused"]);
}

#[test]
fn duties_are_separated() {
    let world = World::new();
    let ada = Principal::verified_elsewhere("ada", Some("key of ada".to_owned()));
    let own = world.desk.request(&ada, &action("prod"), "here", &rule(1), NOW).unwrap().id;
    assert_eq!(world.vote(&own, "ada", Vote::Allow), Err(ApprovalRefusal::OwnRequest));
    // The same key under the name of an approver is the same person.
    let other_name = Principal::verified_elsewhere("bob", Some("key of ada".to_owned()));
    assert_eq!(world.desk.vote(&own, &other_name, Vote::Allow, NOW), Err(ApprovalRefusal::OwnRequest));

    let id = world.request(2).id;
    assert_eq!(world.vote(&id, "mallory", Vote::Allow), Err(ApprovalRefusal::NoApprover));
    world.vote(&id, "ada", Vote::Allow).unwrap();
    assert_eq!(world.vote(&id, "ada", Vote::Allow), Err(ApprovalRefusal::Voted));
    assert_eq!(world.desk.vote(&id, &other_name, Vote::Allow, NOW), Err(ApprovalRefusal::Voted));
    assert_eq!(world.desk.approval(&id).unwrap().allowing(), 1);
    for needed in [0, 3] {
        let error = world.desk.request(&ada, &action("prod"), "here", &rule(needed), NOW).unwrap_err();
        assert_eq!(error, ApprovalRefusal::Rule { needed, approvers: 2 });
    }
}

#[test]
fn what_was_approved_is_what_may_be_done() {
    let world = World::new();
    let id = world.request(1).id;
    world.vote(&id, "ada", Vote::Allow).unwrap();
    assert_eq!(world.ticket(&id, "eve", "prod2", NOW + 2), Err(ApprovalRefusal::OtherAction));
    assert_eq!(world.ticket(&id, "mallory", "prod", NOW + 2), Err(ApprovalRefusal::OtherRequester));
    let over = |status| Err(ApprovalRefusal::Over { status });
    assert_eq!(world.ticket(&id, "eve", "prod", NOW + 600), over(ApprovalStatus::Expired));
    let ticket = world.desk.ticket(&id, &person("eve"), &action("prod"), &world.issuer, NOW + 599).unwrap();
    assert_eq!(ticket.claims.exp, NOW + 600, "a ticket does not outlive its approval");
}

#[test]
fn a_denial_ends_it_even_after_the_ticket() {
    let world = World::new();
    let id = world.request(1).id;
    world.vote(&id, "ada", Vote::Allow).unwrap();
    let token = world.ticket(&id, "eve", "prod", NOW + 2).unwrap();
    world.vote(&id, "bob", Vote::Deny).unwrap();
    assert_eq!(world.redeem(&token), Err(TicketRefusal::Approval));
    assert_eq!(world.told().last().unwrap(), "refused");
    let id = world.request(1).id;
    world.vote(&id, "ada", Vote::Allow).unwrap();
    world.vote(&id, "ada", Vote::Deny).unwrap();
    let over = ApprovalRefusal::Over { status: ApprovalStatus::Denied };
    assert_eq!(world.ticket(&id, "eve", "prod", NOW + 2), Err(over));
}

/// Each thread has a store of its own over the same file, as processes have.
#[test]
fn many_who_fetch_a_ticket_at_once_get_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Arc::new(SqliteStore::open(folder.path().join("store.db")).unwrap());
    let desk = ApprovalDesk::new(open());
    let id = desk.request(&person("eve"), &action("prod"), "here", &rule(1), NOW).unwrap().id;
    desk.vote(&id, &person("ada"), Vote::Allow, NOW).unwrap();
    let fetch = |desk: ApprovalDesk| {
        let issuer = Issuer::new("govc", signing("ed25519")).unwrap();
        desk.ticket(&id, &person("eve"), &action("prod"), &issuer, NOW).unwrap().token
    };
    let tokens: BTreeSet<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..6).map(|_| scope.spawn(|| fetch(ApprovalDesk::new(open())))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(tokens.len(), 1);
}

#[test]
fn chains_only_narrow() {
    let store = Arc::new(SqliteStore::in_memory().unwrap());
    let policy = DelegationPolicy { max_links: 2, max_seconds: 600 };
    let office = DelegationOffice::new(store.clone(), "govc", signing("ed25519"), policy).unwrap();
    let to = |name: &str| Delegate { id: name.to_owned(), key: format!("key of {name}") };
    let scope = |actions: &[&str], targets: &[&str], end: i64| {
        Scope::new(actions.iter().copied(), targets.iter().copied(), NOW + end)
    };
    let root = office.begin(to("ada"), scope(&["get-*", "restart"], &["dev/*"], 9000), NOW).unwrap();
    let ada = person("ada");
    let tries = [
        (scope(&["get-*"], &["dev/*"], 601), DelegationRefusal::Time),
        (scope(&["get-*"], &["*"], 600), DelegationRefusal::Wider),
        (scope(&["get*"], &["dev/*"], 600), DelegationRefusal::Wider),
        (scope(&["restart*"], &["dev/*"], 600), DelegationRefusal::Wider),
        (scope(&["get-pods", "delete"], &["dev/*"], 600), DelegationRefusal::Wider),
    ];
    for (wider, refusal) in tries {
        assert_eq!(office.narrow(&root, &ada, to("bot"), wider, NOW), Err(refusal));
    }
    let fair = scope(&["get-*"], &["dev/api"], 600);
    assert_eq!(
        office.narrow(&root, &person("eve"), to("bot"), fair.clone(), NOW),
        Err(DelegationRefusal::NotHolder)
    );
    assert_eq!(office.narrow(&root, &ada, to("ada"), fair.clone(), NOW), Err(DelegationRefusal::Circle));
    let bot = office.narrow(&root, &ada, to("bot"), fair.clone(), NOW).unwrap();
    let tool = office
        .narrow(&bot, &person("bot"), to("tool"), scope(&["get-pods"], &["dev/api"], 500), NOW + 1)
        .unwrap();
    let fourth =
        office.narrow(&tool, &person("tool"), to("fourth"), scope(&["get-pods"], &["dev/api"], 400), NOW + 2);
    assert_eq!(fourth, Err(DelegationRefusal::Depth { limit: 2 }));

    let may = |token: &str, who: &str, action: &str, at: i64| {
        office.allows(token, &person(who), action, "dev/api", NOW + at)
    };
    assert_eq!(may(&tool, "tool", "get-pods", 2), Ok(()));
    assert_eq!(may(&tool, "tool", "get-logs", 2), Err(DelegationRefusal::OutOfScope));
    assert_eq!(may(&tool, "tool", "get-pods", 500), Err(DelegationRefusal::Time));
    assert_eq!(may(&tool, "bot", "get-pods", 2), Err(DelegationRefusal::NotHolder));
    // Another office's key, and a policy that became stricter.
    let other = DelegationOffice::new(store.clone(), "govc", signing("es256"), policy).unwrap();
    assert_eq!(other.open(&tool), Err(DelegationRefusal::Token));
    let stricter = DelegationPolicy { max_links: 1, ..policy };
    let office = DelegationOffice::new(store.clone(), "govc", signing("ed25519"), stricter).unwrap();
    assert_eq!(office.open(&tool), Err(DelegationRefusal::Depth { limit: 1 }));
    assert_eq!(store.waiting(9).unwrap().len(), 3, "each link is recorded");
}

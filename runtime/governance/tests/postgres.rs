//! Tickets and approvals over a real PostgreSQL server, whose address `GOVC_TEST_POSTGRES` gives, such as
//! `host=/tmp user=postgres`. The tables are made in a schema of their own and dropped again.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod common;

use common::{signing, verifying};
use govc_audit::{Event, FolderDisk, Log, Options, Signer};
use govc_governance::approval::{ApprovalDesk, ApprovalRefusal, ApprovalRule, ApprovalStatus, Vote};
use govc_governance::ledger::Ledger;
use govc_governance::outbox::drain;
use govc_governance::store::PostgresLedger;
use govc_governance::ticket::{Issuer, Order, Redeemer, TicketRefusal, Use, Verifier};
use govc_governance::{CanonicalAction, Principal};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const NOW: i64 = 1_800_000_000;

/// A schema that is gone when it is dropped.
struct Schema {
    server: String,
    name: String,
}

impl Schema {
    fn new(name: &str) -> Option<Self> {
        let Ok(server) = std::env::var("GOVC_TEST_POSTGRES") else {
            println!("GOVC_TEST_POSTGRES is not set: skipped");
            return None;
        };
        let schema = Self { server, name: format!("govc_{name}_{}", std::process::id()) };
        schema.run("CREATE SCHEMA");
        Some(schema)
    }

    fn run(&self, what: &str) {
        let mut client = postgres::Client::connect(&self.server, postgres::NoTls).unwrap();
        client.batch_execute(&format!("{what} {}", self.name)).unwrap();
    }

    fn ledger(&self) -> Arc<PostgresLedger> {
        let url = format!("{} options='-c search_path={}'", self.server, self.name);
        Arc::new(PostgresLedger::connect(&url).unwrap())
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        let mut client = postgres::Client::connect(&self.server, postgres::NoTls).unwrap();
        client.batch_execute(&format!("DROP SCHEMA {} CASCADE", self.name)).unwrap();
    }
}

fn person(name: &str) -> Principal {
    Principal::verified_elsewhere(name, Some(format!("key of {name}")))
}

fn action() -> CanonicalAction {
    CanonicalAction::new("restart", "prod/api", &json!({}), &"ab".repeat(32)).unwrap()
}

fn issuer() -> Issuer {
    Issuer::new("govc", signing("ed25519")).unwrap()
}

fn redeemer(ledger: Arc<PostgresLedger>) -> Redeemer {
    Redeemer::new(ledger, Verifier::new("govc", "here", [verifying("ed25519")]).unwrap())
}

#[test]
fn of_many_who_use_a_ticket_at_once_one_does_and_the_log_has_it_once() {
    let Some(schema) = Schema::new("tickets") else { return };
    let (caller, action, first) = (person("worker"), action(), schema.ledger());
    let order = Order { caller: &caller, action: &action, audience: "here" };
    let tokens: Vec<String> = (0..25).map(|_| issuer().issue(&*first, order, NOW).unwrap().token).collect();
    let redeemers = [redeemer(first.clone()), redeemer(schema.ledger()), redeemer(schema.ledger())];
    let uses = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for redeemer in redeemers.iter().cycle().take(9) {
            scope.spawn(|| {
                for token in &tokens {
                    match redeemer.redeem(token, Use { caller: &caller, action: &action }, NOW) {
                        Ok(_) => drop(uses.fetch_add(1, Ordering::Relaxed)),
                        Err(refusal) => assert_eq!(refusal, TicketRefusal::Replay),
                    }
                }
            });
        }
    });
    assert_eq!(uses.into_inner(), tokens.len());

    let folder = tempfile::tempdir().unwrap();
    let (origin, disk) = ("example.com/audit", FolderDisk::open(folder.path()).unwrap());
    let log = Log::open(disk, Signer::log(origin, &[7; 32]).unwrap(), Options::new(origin)).unwrap();
    // One issued, and nine who tried to use it, for each.
    assert_eq!(drain(&*first, &log).unwrap(), 10 * 25);
    assert_eq!(drain(&*schema.ledger(), &log).unwrap(), 0);
    let entries = log.reader().unwrap().bundle(0).unwrap();
    let results = entries.iter().map(|entry| Event::read(entry).unwrap().policy_checks.remove(0).result);
    assert_eq!(results.filter(|result| result == "redeemed").count(), 25);

    let token = issuer().issue(&*first, order, NOW).unwrap().token;
    first.forget_tickets(NOW + 300).unwrap();
    let again = redeemers[0].redeem(&token, Use { caller: &caller, action: &action }, NOW);
    assert_eq!(again, Err(TicketRefusal::Replay));
}

#[test]
fn an_approval_gives_one_ticket() {
    let Some(schema) = Schema::new("approvals") else { return };
    let (ledger, eve) = (schema.ledger(), person("eve"));
    let desk = ApprovalDesk::new(ledger.clone());
    let rule = ApprovalRule { approvers: ["ada".to_owned()].into(), needed: 1, lifetime: 600 };
    let id = desk.request(&eve, &action(), "here", &rule, NOW).unwrap().id;
    assert_eq!(desk.vote(&id, &eve, Vote::Allow, NOW), Err(ApprovalRefusal::OwnRequest));
    desk.vote(&id, &person("ada"), Vote::Allow, NOW).unwrap();
    let fetch =
        || ApprovalDesk::new(schema.ledger()).ticket(&id, &eve, &action(), &issuer(), NOW).unwrap().token;
    let tokens: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(fetch)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(tokens.iter().all(|token| *token == tokens[0]));
    let shown_for = Use { caller: &eve, action: &action() };
    assert!(redeemer(ledger.clone()).redeem(&tokens[0], shown_for, NOW).is_ok());
    assert_eq!(ledger.approvals().unwrap()[0].status(NOW), ApprovalStatus::Executed);
}

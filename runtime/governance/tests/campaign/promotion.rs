//! Promotions that are killed: an agent is in the sandbox, or governed with a valid proof, and the events say the same.

use super::{Random, killed, ready};
use crate::common::revalidation::{log, numbered};
use crate::common::{NOW, authority, policy, signing, verifying};
use govc_audit::Event;
use govc_engine::{Policy, proof};
use govc_governance::outbox::{AuditOutbox, drain};
use govc_governance::store::{SqliteStore, Store, promote};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

pub const KIND: &str = "promotion";

/// Agents of one store.
const AGENTS: i64 = 30;

fn open(folder: &Path) -> SqliteStore {
    SqliteStore::open(folder.join("governance.sqlite")).unwrap()
}

/// Promotes all agents that are in the sandbox, one after another.
pub fn work(folder: &Path) {
    let store = open(folder);
    let (policy, key) = (policy("agent-promotion"), signing("ed25519"));
    ready();
    for id in 1..=AGENTS {
        if store.agent(id).unwrap().state.status == "SANDBOX" {
            let promoted = promote(&store, id, &authority(&policy, &key), &numbered(id)).unwrap();
            assert!(promoted.is_success());
        }
    }
}

/// What was seen.
#[derive(Debug, Default)]
pub struct Seen {
    pub kills: u64,
    /// Attempts without an outcome: the process died between both.
    pub cut_off: u64,
    pub promoted: u64,
}

/// A store with all agents in the sandbox.
fn sandboxes() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    (1..=AGENTS).for_each(|id| {
        let _ = store.create_sandbox("finance", numbered(id).spec(), "user-17", NOW).unwrap();
    });
    folder
}

/// Kills so many processes and checks after each. They live as long as this machine takes for a few promotions.
pub fn campaign(kills: u64, seed: u64) -> Seen {
    let (undisturbed, start) = (sandboxes(), Instant::now());
    work(undisturbed.path());
    // A process begins slower than it goes on, so that a shorter life would end before the first attempt.
    let longest = start.elapsed() * 5 / AGENTS as u32 + Duration::from_millis(20);
    let policy = policy("agent-promotion");
    let mut random = Random(seed);
    let mut seen = Seen::default();
    while seen.kills < kills {
        let folder = sandboxes();
        loop {
            let ended = killed(KIND, folder.path(), random.within(longest));
            seen.kills += u64::from(!ended);
            let (governed, _) = check(folder.path(), &policy);
            if ended || seen.kills >= kills {
                assert!(!ended || governed == AGENTS as u64);
                break;
            }
        }
        let (governed, cut_off) = check(folder.path(), &policy);
        seen.promoted += governed;
        seen.cut_off += cut_off;
        let (store, log) = (open(folder.path()), log(folder.path()));
        let waiting = store.waiting(100_000).unwrap().len() as u64;
        assert_eq!(drain(&store, &log).unwrap(), waiting);
    }
    seen
}

/// Every agent is one or the other. Gives how many are governed, and how many attempts have no outcome.
fn check(folder: &Path, policy: &Policy) -> (u64, u64) {
    let store = open(folder);
    let mut events: BTreeMap<i64, Vec<&str>> = BTreeMap::new();
    for row in store.waiting(100_000).unwrap() {
        let event = Event::read(row.entry.as_bytes()).unwrap();
        events.entry(event.agent.unwrap().parse().unwrap()).or_default().push(event.code.unwrap().text());
    }
    let (mut governed, mut cut_off) = (0, 0);
    for agent in store.agents("finance").unwrap() {
        let told = events.remove(&agent.id).unwrap_or_default();
        let proof = store.proof(agent.id).unwrap();
        let (last, before) =
            told.split_last().map_or((None, &[][..]), |(last, before)| (Some(*last), before));
        assert!(before.iter().all(|code| *code == "PROMOTION_ATTEMPT"), "{told:?}");
        match (agent.state.status.as_str(), proof) {
            ("SANDBOX", None) => {
                assert!(last.is_none_or(|code| code == "PROMOTION_ATTEMPT"), "{told:?}");
                cut_off += told.len() as u64;
            }
            ("GOVERNED_VALID", Some(record)) => {
                assert_eq!(last, Some("PROMOTION_SUCCESS"));
                assert!(!before.is_empty(), "the attempt comes first");
                let keys = [verifying("ed25519")];
                let checked = proof::check(record.envelope.as_bytes(), &keys, policy).unwrap();
                assert_eq!(checked.statement.subject_sha256("agent-spec"), Some(agent.spec.digest()));
                governed += 1;
                cut_off += before.len() as u64 - 1;
            }
            (status, proof) => panic!("agent {} has status {status} and proof {proof:?}", agent.id),
        }
    }
    assert!(events.is_empty());
    (governed, cut_off)
}

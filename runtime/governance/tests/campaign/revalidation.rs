//! Revalidations that are killed and taken up again: they end as one that nobody disturbed.

use super::{Random, killed, ready};
use crate::common::revalidation::{ENTRYPOINT, House, run, stricter};
use crate::common::{NOW, verifying};
use govc_governance::Actor;
use govc_governance::outbox::AuditOutbox;
use govc_governance::policies::{Change, activate};
use govc_governance::store::{SqliteStore, Store};
use serde_json::Value;
use std::path::Path;
use std::time::{Duration, Instant};

pub const KIND: &str = "revalidation";

/// Agents that are stored together.
const STEP: usize = 8;

fn open(folder: &Path) -> SqliteStore {
    SqliteStore::open(folder.join("governance.sqlite")).unwrap()
}

/// Revalidates, from wherever the last one was.
pub fn work(folder: &Path) {
    let (store, policy) = (open(folder), stricter());
    ready();
    let _ = run(&store, &policy, &[verifying("ed25519")], STEP).unwrap();
}

/// All that a revalidation leaves: status, proof and reasons of every agent, and the events.
#[derive(Debug, PartialEq)]
pub struct Left {
    agents: Vec<Agent>,
    events: Vec<Value>,
}

#[derive(Debug, PartialEq)]
struct Agent {
    id: i64,
    status: String,
    proof: Option<String>,
    reasons: Option<Vec<String>>,
}

impl Left {
    fn of(store: &SqliteStore, size: i64) -> Self {
        let agents = (1..=size).map(|id| {
            let status = store.agent(id).unwrap().state.status;
            let proof = store.proof(id).unwrap().map(|record| record.envelope);
            Agent { id, status, proof, reasons: store.invalidation(id).unwrap() }
        });
        let events = store.waiting(100_000).unwrap().into_iter().map(|row| {
            let mut event: Value = serde_json::from_str(&row.entry).unwrap();
            for made in ["event_id", "time", "correlation_id", "trace_id"] {
                event.as_object_mut().unwrap().remove(made);
            }
            event
        });
        Self { agents: agents.collect(), events: events.collect() }
    }
}

/// Kills so many processes, each after up to half of what an undisturbed revalidation takes. Gives the kills, and how many revalidations they were spread over.
pub fn campaign(kills: u64, agents: i64, seed: u64) -> (u64, u64) {
    let house = House::of(agents);
    let new = stricter();
    let actor = Actor { id: "user-1", role: "policy_admin" };
    let change = Change { workspace: "finance", policy_set: ENTRYPOINT, actor, reason: "review", now: NOW };
    activate(&house.store, &new, &change).unwrap();
    let copy = || {
        let folder = tempfile::tempdir().unwrap();
        let into = folder.path().join("governance.sqlite");
        house.connection().execute("VACUUM INTO ?1", [into.to_str().unwrap()]).unwrap();
        folder
    };
    let undisturbed = copy();
    let start = Instant::now();
    work(undisturbed.path());
    let longest = start.elapsed() / 2 + Duration::from_millis(20);
    let expected = Left::of(&open(undisturbed.path()), agents);
    for (Agent { id, status, reasons, .. }, (same, why)) in expected.agents.iter().zip(house.expected(&new)) {
        assert_eq!(*id, same);
        assert_eq!(status == "GOVERNED_VALID", why.is_empty());
        assert_eq!(reasons.clone().unwrap_or_default(), why);
    }
    let mut random = Random(seed);
    let (mut killed_so_far, mut revalidations) = (0, 0);
    while killed_so_far < kills {
        let folder = copy();
        while !killed(KIND, folder.path(), random.within(longest)) {
            killed_so_far += 1;
        }
        revalidations += 1;
        assert_eq!(Left::of(&open(folder.path()), agents), expected);
    }
    (killed_so_far, revalidations)
}

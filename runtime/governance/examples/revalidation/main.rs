//! How long it takes until 100,000 governed agents stand under new policies, and what a kill in between costs.
//!
//! `cargo run --release -p govc-governance --example revalidation -- 100000 100`: agents, kills.

#[path = "../../tests/campaign/mod.rs"]
mod campaign;
#[path = "../../tests/common/mod.rs"]
mod common;
mod population;

use common::revalidation::{ENTRYPOINT, bundle_under};
use common::{NOW, authority, policy, signing, verifying};
use govc_engine::{Engine, Policy, Trust, proof};
use govc_governance::policies::{Change, activate};
use govc_governance::promotion;
use govc_governance::revalidation::{Revalidation, STEP, Summary, revalidate};
use govc_governance::store::{SqliteStore, Store};
use govc_governance::{Actor, AgentSpec};
use std::time::{Duration, Instant};

/// As the command has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    if campaign::child() {
        return Ok(());
    }
    let mut arguments = std::env::args().skip(1).filter_map(|text| text.parse::<u64>().ok());
    let (agents, kills) = (arguments.next().unwrap_or(100_000), arguments.next().unwrap_or(100));
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("governance.sqlite");
    let store = SqliteStore::open(&path)?;
    // Three in seventy are above.
    let (old, new) = (policy("agent-promotion"), Engine::load(&bundle_under(0.665), &Trust::unsigned())?);
    put_in_force(&store, &old)?;
    population::govern(&path, &old, agents)?;
    println!("{agents} governed agents, each with a signature of its own; {} processors", processors());
    put_in_force(&store, &new)?;
    timed("each proof with its own signature", &store, &new)?;
    println!(
        "  statuses and reasons equal to those from scratch: {} of {agents}",
        equal(&store, &new, agents)?
    );
    put_in_force(&store, &old)?;
    timed("proofs that share signatures", &store, &old)?;
    let bytes = store.proof(1)?.map_or(0, |record| record.envelope.len());
    println!("  a proof with its path and shared signature: {bytes} bytes");
    drop((store, folder));
    let (kills, revalidations) = campaign::revalidation::campaign(kills, 400, 0x9e37_79b9);
    println!("{kills} kills over {revalidations} revalidations: each ended equal to one from scratch");
    Ok(())
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn put_in_force(store: &SqliteStore, policy: &Policy) -> Result<(), Box<dyn std::error::Error>> {
    let actor = Actor { id: "user-1", role: "policy_admin" };
    let change = Change { workspace: "finance", policy_set: ENTRYPOINT, actor, reason: "review", now: NOW };
    Ok(activate(store, policy, &change)?)
}

fn timed(what: &str, store: &SqliteStore, policy: &Policy) -> Result<(), Box<dyn std::error::Error>> {
    let (key, keys) = (signing("ed25519"), [verifying("ed25519")]);
    let actor = Actor { id: "user-1", role: "policy_admin" };
    let authority = &authority(policy, &key);
    let (start, worked) = (Instant::now(), cpu());
    let Summary { renewed, invalidated, .. } = revalidate(
        store,
        &Revalidation { workspace: "finance", authority, keys: &keys, actor, threads: 2, step: STEP },
    )?;
    let (took, worked) = (start.elapsed(), cpu() - worked);
    println!("{what}: {took:.2?} ({worked:.2?} of processors): {renewed} renewed, {invalidated} invalidated");
    Ok(())
}

/// Time of processors that this process took.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(") ").next().unwrap_or_default().split(' ');
    // The 14th and 15th field, in hundredths of a second; two fields stand before.
    let ticks: u64 = fields.skip(11).take(2).filter_map(|text| text.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

/// How many agents have the status, reasons and proof that a decision on each by itself gives.
fn equal(store: &SqliteStore, policy: &Policy, agents: u64) -> Result<u64, Box<dyn std::error::Error>> {
    let (key, keys) = (signing("ed25519"), [verifying("ed25519")]);
    let authority = authority(policy, &key);
    let mut equal = 0;
    for id in 1..=agents.cast_signed() {
        let request = population::request(id);
        let decided = promotion::decide(&authority, &request);
        let status = store.agent(id)?.state.status;
        let reasons = store.invalidation(id)?.unwrap_or_default();
        let record = store.proof(id)?.ok_or("no proof")?;
        let (statement, _) = proof::open(record.envelope.as_bytes(), &keys)?;
        let spec: &AgentSpec = request.spec();
        let same = statement.subject_sha256("agent-spec") == Some(spec.digest());
        let new = record.policy_hash == policy.policy_hash();
        let expected = if decided.is_success() { "GOVERNED_VALID" } else { "GOVERNED_INVALIDATED" };
        equal += u64::from(
            same && status == expected && reasons == decided.failures && new == decided.is_success(),
        );
    }
    Ok(equal)
}

//! Admission of stored agents, and what becomes of their status; each with its events in the outbox of the audit log.
//!
//! The surprising fact: what a mismatch does to an agent's status is no part of the verdict. The start is denied in any case, and
//! the status changes in the transaction that records the denial.

use super::{Agent, Store, StoreError};
use crate::admission::{self, Request, TrustedKeys, Verdict};
use crate::code::DecisionCode;
use crate::events::{self, Actor};
use crate::state::{OnMismatch, Status};
use govc_audit::Event;

/// What a start is held against.
pub struct Gate<'a> {
    /// The digest of the policies in force, see [`govc_engine::Policy::policy_hash`].
    pub policy_hash: Option<&'a str>,
    /// Keys of the authorities that may promote.
    pub keys: &'a TrustedKeys,
    /// What becomes of an agent whose specification or policies are other ones than those of its proof.
    pub on_mismatch: OnMismatch,
    /// Now, in seconds since 1970.
    pub now: i64,
}

/// Admits a stored agent, and records the verdict before it is given.
///
/// # Errors
/// When the store fails; then the agent must not start.
pub fn admit(store: &dyn Store, id: i64, gate: &Gate<'_>) -> Result<Verdict, StoreError> {
    let read = store.agent(id).and_then(|agent| Ok((agent, store.proof(id)?)));
    let (agent, proof) = match read {
        Ok(read) => read,
        Err(error) => {
            store.record(vec![events::unreadable_start(id, &error)])?;
            return Err(error);
        }
    };
    let verdict = admission::admit(&Request {
        spec: &agent.spec,
        state: agent.state.clone(),
        proof: proof.as_ref().map(|record| record.envelope.as_bytes()),
        policy_hash: gate.policy_hash,
        keys: gate.keys,
        revocations: &StoreRevocations(store),
        expires_at: agent.spec.expires_at(agent.created_at),
        now: gate.now,
    });
    let event = events::admission(&id.to_string(), &agent.workspace, &agent.spec, gate.policy_hash, &verdict);
    record(store, &agent, event, after(&agent, &verdict, gate.on_mismatch), gate.now)?;
    Ok(verdict)
}

/// The status that a mismatch leads to, and what did not match; nothing where the status stays.
fn after(agent: &Agent, verdict: &Verdict, on_mismatch: OnMismatch) -> Option<(Status, Vec<String>)> {
    let mismatches = [DecisionCode::SpecHashMismatch, DecisionCode::PolicyHashMismatch];
    let found = verdict.failures.iter().filter(|failure| mismatches.contains(&failure.code));
    let reasons: Vec<String> = found.map(|failure| failure.reason.clone()).collect();
    let status = Status::from_name(&agent.state.status).filter(|_| !reasons.is_empty())?;
    let next = on_mismatch.apply(status);
    (next != status).then_some((next, reasons))
}

fn record(
    store: &dyn Store,
    agent: &Agent,
    verdict: Event,
    change: Option<(Status, Vec<String>)>,
    now: i64,
) -> Result<(), StoreError> {
    let Some((status, reasons)) = change else { return store.record(vec![verdict]) };
    let told = events::restricted(agent, None, status, &reasons);
    match store.restrict(agent.id, status, vec![verdict.clone(), told], now) {
        // Somebody else restricted it meanwhile.
        Err(StoreError::State { .. }) => store.record(vec![verdict]),
        done => done,
    }
}

/// Restricts or quarantines a governed agent, which is recorded with who did it and why.
///
/// # Errors
/// When the agent is not governed, or the status leads out of quarantine, or is none of governed agents that are held back.
pub fn restrict(
    store: &dyn Store,
    id: i64,
    status: Status,
    actor: Actor<'_>,
    reason: &str,
    now: i64,
) -> Result<(), StoreError> {
    let agent = store.agent(id)?;
    let told = events::restricted(&agent, Some(actor), status, &[reason.to_owned()]);
    store.restrict(id, status, vec![told], now)
}

/// The revocations of a store behind a trait object.
struct StoreRevocations<'s>(&'s dyn Store);

impl crate::Revocations for StoreRevocations<'_> {
    fn is_revoked(&self, signer: &str) -> Result<bool, String> {
        self.0.is_revoked(signer)
    }
}

//! Revalidation: every governed agent of a workspace, under policies that have just come into force.
//!
//! The surprising fact: nothing remembers how far a revalidation is. An agent is due as long as its newest proof names other
//! policies, and until then admission denies it; whoever dies halfway is taken up by whoever calls next.

mod evaluate;

use crate::events::{self, Actor, Progress};
use crate::promotion::Authority;
use crate::revocation::Revocations;
use crate::store::{Invalidated, Outdated, Policies, Renewal, Renewed, SqliteStore, StoreError};
use evaluate::{Evaluator, Outcome};
use govc_audit::Event;
use govc_engine::VerifyingKey;
use govc_engine::proof::share;
use jiff::Timestamp;

/// What a revalidation needs.
pub struct Revalidation<'a> {
    /// The workspace.
    pub workspace: &'a str,
    /// The policies in force, and what signs the new proofs.
    pub authority: &'a Authority<'a>,
    /// Keys whose earlier proofs are believed.
    pub keys: &'a [VerifyingKey],
    /// Who asked for it.
    pub actor: Actor<'a>,
    /// Threads that evaluate.
    pub threads: usize,
    /// Agents that are stored in one transaction and share one signature.
    pub step: usize,
}

/// Agents that share a signature, where nobody asks for another number. Picked by measurement: the greatest with which reading,
/// evaluating and writing still overlap well.
pub const STEP: usize = 8192;

/// What a call did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// Agents that passed and have a new proof.
    pub renewed: u64,
    /// Agents that did not.
    pub invalidated: u64,
}

impl<'a> Revalidation<'a> {
    fn policies(&self) -> Policies<'a> {
        let Authority { policy, entrypoint, .. } = self.authority;
        Policies { workspace: self.workspace, set: entrypoint, hash: policy.policy_hash() }
    }

    fn progress(&self, summary: Summary) -> Progress<'a> {
        let Policies { workspace, set, hash } = self.policies();
        let Summary { renewed, invalidated } = summary;
        Progress { workspace, policy_set: set, actor: self.actor, policy_hash: hash, renewed, invalidated }
    }
}

/// Evaluates all agents that are due. Who passes gets a new proof and keeps its status; who fails is invalidated.
///
/// # Errors
/// When the store fails, a key cannot sign, or other policies are in force. What was stored before stays, and the next call goes
/// on from there.
pub fn revalidate(store: &SqliteStore, task: &Revalidation<'_>) -> Result<Summary, StoreError> {
    let known = store.is_revalidated(task.policies())?;
    let keys = believed(store, task)?;
    let mut summary = Summary::default();
    let mut due = store.outdated(task.policies(), 0, task.step)?;
    let mut done: Option<Finished> = None;
    while let Some(last) = due.last().map(|agent| agent.id) {
        // While some are evaluated, those before are stored and those behind are read.
        let (outcomes, next) = std::thread::scope(|scope| {
            let evaluating = evaluate_all(scope, task, &keys, due);
            let next = done
                .take()
                .map_or(Ok(()), |done| done.store(store, task))
                .and_then(|()| store.outdated(task.policies(), last, task.step));
            (evaluating.join(), next)
        });
        due = next?;
        done = Some(Finished::new(task, outcomes, &mut summary)?);
    }
    done.map_or(Ok(()), |done| done.store(store, task))?;
    if !known || summary != Summary::default() {
        finish(store, task)?;
    }
    Ok(summary)
}

/// The keys that are good still and were not revoked.
fn believed(store: &SqliteStore, task: &Revalidation<'_>) -> Result<Vec<VerifyingKey>, StoreError> {
    let now = Timestamp::from_second(task.authority.now).unwrap_or(Timestamp::MAX);
    let good = task.keys.iter().filter(|key| key.is_good_at(now));
    let mut believed = Vec::new();
    for key in good {
        let mut names = key.id().into_iter().chain(key.fingerprint());
        let revoked = names.try_fold(false, |found, name| Ok(found || store.is_revoked(name)?));
        if !revoked.map_err(StoreError::Database)? {
            believed.push(key.clone());
        }
    }
    Ok(believed)
}

/// The event of the end tells of all agents, whoever evaluated them.
fn finish(store: &SqliteStore, task: &Revalidation<'_>) -> Result<(), StoreError> {
    let (renewed, invalidated) = store.tally(task.policies())?;
    let event = events::revalidated(&task.progress(Summary { renewed, invalidated }));
    store.finish_revalidation(task.policies(), event)
}

/// Threads that evaluate, in order.
struct Evaluating<'s>(Vec<std::thread::ScopedJoinHandle<'s, Vec<Outcome>>>);

impl Evaluating<'_> {
    fn join(self) -> Vec<Outcome> {
        let parts = self.0.into_iter().map(|thread| match thread.join() {
            Ok(part) => part,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        parts.flatten().collect()
    }
}

fn evaluate_all<'s>(
    scope: &'s std::thread::Scope<'s, '_>,
    task: &'s Revalidation<'_>,
    keys: &'s [VerifyingKey],
    mut agents: Vec<Outdated>,
) -> Evaluating<'s> {
    let part = agents.len().div_ceil(task.threads.max(1)).max(1);
    let mut threads = Vec::new();
    while !agents.is_empty() {
        let rest = agents.split_off(part.min(agents.len()));
        let some = std::mem::replace(&mut agents, rest);
        threads.push(scope.spawn(move || {
            let mut evaluator = Evaluator::new(task, keys);
            some.into_iter().map(|agent| evaluator.evaluate(agent)).collect()
        }));
    }
    Evaluating(threads)
}

/// Agents that were evaluated and wait to be stored.
struct Finished {
    renewed: Vec<Renewed>,
    invalidated: Vec<Invalidated>,
    events: Vec<Event>,
}

impl Finished {
    /// Signs the proofs of those that passed.
    fn new(
        task: &Revalidation<'_>,
        outcomes: Vec<Outcome>,
        summary: &mut Summary,
    ) -> Result<Self, StoreError> {
        let (mut passed, mut leaves, mut invalidated) = (Vec::new(), Vec::new(), Vec::new());
        for outcome in outcomes {
            match outcome {
                Outcome::Passed(agent, leaf) => {
                    passed.push(agent);
                    leaves.push(leaf);
                }
                Outcome::Failed(agent) => invalidated.push(agent),
            }
        }
        let proofs =
            share(leaves, task.authority.key).map_err(|error| StoreError::Sign(error.to_string()))?;
        let renewed: Vec<Renewed> =
            passed.into_iter().zip(proofs).map(|(agent, proof)| Renewed { agent, proof }).collect();
        let some = Summary { renewed: renewed.len() as u64, invalidated: invalidated.len() as u64 };
        summary.renewed += some.renewed;
        summary.invalidated += some.invalidated;
        let events = events_of(&task.progress(some), &renewed, &invalidated);
        Ok(Self { renewed, invalidated, events })
    }

    fn store(self, store: &SqliteStore, task: &Revalidation<'_>) -> Result<(), StoreError> {
        let Self { renewed, invalidated, events } = self;
        let Authority { now, .. } = *task.authority;
        let (policies, authority) = (task.policies(), task.authority.name());
        store.renew(&Renewal { policies, authority, now, renewed, invalidated }, events)
    }
}

fn events_of(progress: &Progress<'_>, renewed: &[Renewed], invalidated: &[Invalidated]) -> Vec<Event> {
    let envelope = renewed.first().map(|agent| &*agent.proof.envelope);
    let part = events::renewed(progress, envelope);
    let failed = invalidated.iter().map(|agent| {
        let Invalidated { id, spec_hash, reasons } = agent;
        events::invalidated(progress, *id, spec_hash, reasons)
    });
    std::iter::once(part).chain(failed).collect()
}

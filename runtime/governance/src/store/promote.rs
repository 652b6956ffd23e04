//! Promotion of stored agents, with its events in the outbox of the audit log.
//!
//! The surprising fact: an attempt is durable before the policy is asked, and what came of it is there in the same transaction as
//! its event. Whoever dies in between leaves an agent in the sandbox, or a governed one with its proof and its event.

use super::{PolicyVersion, ProofRecord, Store, StoreError};
use crate::code::DecisionCode;
use crate::events;
use crate::promotion::{self, Authority, Promotion, PromotionRequest};
use crate::store::Agent;
use govc_audit::Event;

/// Promotes a stored agent: the attempt is recorded, the policy asked, then status, proof, policy version and outcome are
/// stored in one transaction. Any other state than sandbox is a denial.
///
/// # Errors
/// When the store fails, or has no such agent; then nothing changed but that the attempt may be recorded.
pub fn promote(
    store: &dyn Store,
    id: i64,
    authority: &Authority<'_>,
    request: &PromotionRequest,
) -> Result<Promotion, StoreError> {
    let agent = store.agent(id);
    let workspace = agent.as_ref().map_or("", |agent| &agent.workspace);
    let attempt = events::attempt(&id.to_string(), workspace, authority, request);
    match agent {
        Err(error) => {
            let denied = events::unreadable(&attempt, &error);
            store.record(vec![attempt, denied])?;
            Err(error)
        }
        Ok(agent) => {
            store.record(vec![attempt.clone()])?;
            decided(store, &agent, &attempt, authority, request)
        }
    }
}

fn decided(
    store: &dyn Store,
    agent: &Agent,
    attempt: &Event,
    authority: &Authority<'_>,
    request: &PromotionRequest,
) -> Result<Promotion, StoreError> {
    let promotion = match refusal(agent, request) {
        Some((code, why)) => Promotion::denied(code, why, None),
        None => promotion::decide(authority, request),
    };
    let changed = match govern(store, agent, attempt, authority, request, &promotion) {
        None => false,
        Some(Ok(())) => return Ok(promotion),
        Some(Err(StoreError::Changed)) => true,
        Some(Err(error)) => return Err(error),
    };
    let promotion = match changed {
        true => Promotion::denied("NOT_IN_SANDBOX", StoreError::Changed.to_string(), promotion.decision),
        false => promotion,
    };
    store.record(vec![events::promotion(attempt, authority, &promotion)])?;
    Ok(promotion)
}

/// Why the policy need not be asked.
fn refusal(agent: &Agent, request: &PromotionRequest) -> Option<(&'static str, String)> {
    if agent.state.tier() != crate::Tier::Sandbox {
        return Some(("NOT_IN_SANDBOX", format!("the agent has status `{}`", agent.state.status)));
    }
    let same = agent.spec.digest() == request.spec().digest();
    (!same).then(|| ("SPEC_CHANGED", "the request is about another specification".to_owned()))
}

/// Stores a success; nothing where there is none.
fn govern(
    store: &dyn Store,
    agent: &Agent,
    attempt: &Event,
    authority: &Authority<'_>,
    request: &PromotionRequest,
    promotion: &Promotion,
) -> Option<Result<(), StoreError>> {
    let proof = ProofRecord {
        policy_hash: authority.policy.policy_hash().to_owned(),
        spec_hash: agent.spec.digest().to_owned(),
        authority: authority.name().to_owned(),
        signed_at: authority.now,
        envelope: promotion.proof.clone()?,
    };
    let version = version(&agent.workspace, authority, request);
    let event = events::promotion(attempt, authority, promotion);
    let input = String::from_utf8_lossy(request.input().trim_ascii());
    Some(store.govern(agent.id, &proof, &version, &input, event, authority.now))
}

fn version(workspace: &str, authority: &Authority<'_>, request: &PromotionRequest) -> PolicyVersion {
    PolicyVersion {
        workspace: workspace.to_owned(),
        policy_set: authority.entrypoint.to_owned(),
        hash: authority.policy.policy_hash().to_owned(),
        bundle: serde_json::to_string(authority.policy.manifest()).unwrap_or_default(),
        actor: request.actor().to_owned(),
        reason: DecisionCode::PromotionSuccess.name().to_owned(),
    }
}

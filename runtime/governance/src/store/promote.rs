//! Promotion and admission of stored agents, each recorded in the audit log.
//!
//! The surprising fact: an attempt is in the log before the policy is asked, and a start is in the log before the agent hears that
//! it may start. What cannot be recorded does not happen.

use super::{PolicyVersion, ProofRecord, Store, StoreError};
use crate::admission::{self, Request, TrustedKeys, Verdict};
use crate::code::DecisionCode;
use crate::promotion::{self, Authority, Promotion, PromotionRequest};
use govc_engine::audit::{AuditError, AuditLog, Event, Receipt};
use govc_engine::sha256_hex;
use serde_json::{Value, json};
use std::fmt;

/// Why a promotion or admission could not be carried out. It did not happen.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuditedError {
    /// The store failed.
    Store(StoreError),
    /// The audit log failed.
    Audit(AuditError),
}

impl AuditedError {
    /// Our stable code.
    pub fn code(&self) -> &'static str {
        match self {
            AuditedError::Store(error) => error.code(),
            AuditedError::Audit(error) => error.code(),
        }
    }
}

impl fmt::Display for AuditedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AuditedError::Store(error) => error.fmt(f),
            AuditedError::Audit(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for AuditedError {}

impl From<StoreError> for AuditedError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<AuditError> for AuditedError {
    fn from(error: AuditError) -> Self {
        Self::Audit(error)
    }
}

fn record(log: &dyn AuditLog, code: DecisionCode, body: Value) -> Result<Receipt, AuditError> {
    log.append(&Event { kind: code.name().to_owned(), body })
}

/// Promotes a stored agent: attempt recorded, policy asked, then status, proof and policy version stored in one transaction,
/// and the outcome recorded. Any other state than sandbox is a denial.
///
/// # Errors
/// When store or log fail; then the agent is in the sandbox still, or governed with a valid proof.
pub fn promote(
    store: &dyn Store,
    log: &dyn AuditLog,
    id: i64,
    authority: &Authority<'_>,
    request: &PromotionRequest,
) -> Result<Promotion, AuditedError> {
    let attempt = json!({
        "agent": id,
        "actor": {"id": request.actor(), "role": request.role()},
        "spec_hash": request.spec().digest(),
        "policy_hash": authority.policy.policy_hash(),
    });
    let _ = record(log, DecisionCode::PromotionAttempt, attempt.clone())?;
    let promotion = decided(store, id, authority, request)?;
    let mut outcome = attempt;
    outcome["reasons"] = json!(promotion.failures);
    outcome["proof"] = json!(promotion.proof.as_ref().map(|envelope| sha256_hex(envelope.as_bytes())));
    let _ = record(log, promotion.code, outcome)?;
    Ok(promotion)
}

fn decided(
    store: &dyn Store,
    id: i64,
    authority: &Authority<'_>,
    request: &PromotionRequest,
) -> Result<Promotion, AuditedError> {
    let agent = store.agent(id)?;
    if agent.state.tier() != crate::Tier::Sandbox {
        return Ok(Promotion::denied(vec![format!("the agent has status `{}`", agent.state.status)], None));
    }
    if agent.spec.digest() != request.spec().digest() {
        return Ok(Promotion::denied(vec!["the request is about another specification".to_owned()], None));
    }
    let promotion = promotion::decide(authority, request);
    let Some(envelope) = &promotion.proof else { return Ok(promotion) };
    let public = authority.key.verifying_key();
    let proof = ProofRecord {
        policy_hash: authority.policy.policy_hash().to_owned(),
        spec_hash: agent.spec.digest().to_owned(),
        authority: public.id().or(public.fingerprint()).unwrap_or("default").to_owned(),
        signed_at: authority.now,
        envelope: envelope.clone(),
    };
    match store.govern(id, &proof, &version(&agent.workspace, authority, request), authority.now) {
        Ok(()) => Ok(promotion),
        Err(StoreError::Changed) => {
            Ok(Promotion::denied(vec![StoreError::Changed.to_string()], promotion.decision))
        }
        Err(error) => Err(error.into()),
    }
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

/// Admits a stored agent and records the verdict before it is given.
///
/// # Errors
/// When store or log fail; then the agent must not start.
pub fn admit(
    store: &dyn Store,
    log: &dyn AuditLog,
    id: i64,
    policy_hash: Option<&str>,
    keys: &TrustedKeys,
    now: i64,
) -> Result<Verdict, AuditedError> {
    let agent = store.agent(id)?;
    let proof = store.proof(id)?;
    let verdict = admission::admit(&Request {
        spec: &agent.spec,
        state: agent.state.clone(),
        proof: proof.as_ref().map(|record| record.envelope.as_bytes()),
        policy_hash,
        keys,
        revocations: &StoreRevocations(store),
        expires_at: agent.spec.expires_at(agent.created_at),
        now,
    });
    let body = json!({
        "agent": id,
        "workspace": agent.workspace,
        "decision": verdict.decision(),
        "error_codes": verdict.failures.iter().map(|failure| failure.code.name()).collect::<Vec<_>>(),
        "spec_hash": agent.spec.digest(),
        "policy_hash": policy_hash,
    });
    let _ = record(log, verdict.code(), body)?;
    Ok(verdict)
}

/// The revocations of a store behind a trait object.
struct StoreRevocations<'s>(&'s dyn Store);

impl crate::Revocations for StoreRevocations<'_> {
    fn is_revoked(&self, signer: &str) -> Result<bool, String> {
        self.0.is_revoked(signer)
    }
}

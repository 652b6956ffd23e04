//! Governance in the words of the audit log.

use crate::admission::Verdict as Admission;
use crate::code::DecisionCode;
use crate::promotion::{Authority, Promotion, PromotionRequest};
use crate::revocation::Revoking;
use crate::spec::AgentSpec;
use crate::state::Status;
use crate::store::{Agent, StoreError};
use govc_audit::Event;
use govc_audit::event::{Code, Digest, Kind, Personal, PolicyCheck, Verdict};
use govc_engine::sha256_hex;
use serde_json::{Value, json};

/// Who does something, and in which role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Actor<'a> {
    /// Who.
    pub id: &'a str,
    /// In which role.
    pub role: &'a str,
}

impl Actor<'_> {
    pub(crate) fn json(&self) -> Value {
        json!({"id": self.id, "role": self.role})
    }
}

/// An event of a code, which gives its kind and verdict.
pub(crate) fn event(code: DecisionCode) -> Event {
    // Both sets have the same names; a test compares them.
    Event::coded(Code::parse(code.name()).unwrap_or(Code::InterceptorError))
}

fn digest(hex: &str) -> Option<Digest> {
    Digest::try_from(hex.to_owned()).ok()
}

/// A name, where there is one.
fn named(name: &str) -> Option<String> {
    Some(name.to_owned()).filter(|name| !name.is_empty())
}

fn about(code: DecisionCode, workspace: &str, actor: Actor<'_>) -> Event {
    let mut event = event(code);
    event.workspace = named(workspace);
    event.principals.caller = Some(Personal::Value(actor.json()));
    event
}

/// Somebody asks for a promotion.
pub fn attempt(agent: &str, workspace: &str, authority: &Authority<'_>, request: &PromotionRequest) -> Event {
    let actor = Actor { id: request.actor(), role: request.role() };
    let mut event = about(DecisionCode::PromotionAttempt, workspace, actor);
    event.agent = named(agent);
    event.action = Some("promote".to_owned());
    event.spec_digest = digest(request.spec().digest());
    event.bundle_digest = digest(authority.policy.digest());
    event
}

/// What came of an attempt. The digest of the arguments is that of the proof.
pub fn promotion(attempt: &Event, authority: &Authority<'_>, promotion: &Promotion) -> Event {
    let told = event(promotion.code);
    let mut event = Event { event_id: told.event_id, kind: told.kind, code: told.code, ..attempt.clone() };
    event.time = told.time;
    event.outcome = told.outcome;
    event.outcome.reasons = promotion.failures.clone();
    event.outcome.error_codes = promotion.codes.clone();
    event.input_digest = promotion.decision.as_ref().and_then(|d| d.input_digest()).and_then(digest);
    event.policy_checks = promotion.decision.iter().map(|decision| check(authority, decision)).collect();
    event.arguments_digest =
        promotion.proof.as_ref().map(|envelope| sha256_hex(envelope.as_bytes())).and_then(|d| digest(&d));
    event
}

fn check(authority: &Authority<'_>, decision: &govc_engine::Decision) -> PolicyCheck {
    PolicyCheck {
        policy: authority.entrypoint.to_owned(),
        result: decision.effect().name().to_owned(),
        reason: Some(format!("policies {}", authority.policy.policy_hash())),
    }
}

/// A promotion that ended before the policy was asked, because of the store.
pub(crate) fn unreadable(attempt: &Event, error: &StoreError) -> Event {
    let told = event(DecisionCode::PromotionDenied);
    let mut event = Event { event_id: told.event_id, code: told.code, ..attempt.clone() };
    event.outcome = told.outcome;
    event.outcome.reasons = vec![error.to_string()];
    event.outcome.error_codes = vec![error.code().to_owned()];
    event
}

/// The verdict on a start of an agent with a specification.
pub fn admission(
    agent: &str,
    workspace: &str,
    spec: &AgentSpec,
    policy_hash: Option<&str>,
    verdict: &Admission,
) -> Event {
    let mut event = event(verdict.code());
    event.workspace = named(workspace);
    event.agent = named(agent);
    event.action = Some("start".to_owned());
    event.spec_digest = digest(spec.digest());
    event.outcome.reasons = verdict.failures.iter().map(|failure| failure.reason.clone()).collect();
    event.outcome.error_codes =
        verdict.failures.iter().map(|failure| failure.code.name().to_owned()).collect();
    let failed = |check: u8| verdict.failures.iter().any(|failure| failure.check == check);
    event.policy_checks = vec![PolicyCheck {
        policy: "policies in force".to_owned(),
        result: if failed(3) { "other" } else { "same" }.to_owned(),
        reason: policy_hash.map(str::to_owned),
    }];
    event
}

/// A start of a stored agent that nobody could judge, because of the store.
pub(crate) fn unreadable_start(id: i64, error: &StoreError) -> Event {
    let mut event = event(DecisionCode::InterceptorError);
    event.agent = Some(id.to_string());
    event.action = Some("start".to_owned());
    event.outcome.reasons = vec![error.to_string()];
    event.outcome.error_codes = vec![error.code().to_owned()];
    event
}

/// A governed agent is held back from now on: by somebody, or by a start that did not match its proof.
pub(crate) fn restricted(
    agent: &Agent,
    actor: Option<Actor<'_>>,
    status: Status,
    reasons: &[String],
) -> Event {
    let mut event = Event::new(Kind::Revocation, Verdict::Success);
    event.workspace = named(&agent.workspace);
    event.principals.caller = actor.map(|actor| Personal::Value(actor.json()));
    event.agent = Some(agent.id.to_string());
    event.action = Some(RESTRICT.to_owned());
    event.target = Some(status.name().to_owned());
    event.spec_digest = digest(agent.spec.digest());
    event.outcome.reasons = reasons.to_vec();
    event
}

/// A signer was revoked, or (with the code and text of an error) was not.
pub(crate) fn revoked(revoking: &Revoking<'_>, refused: Option<(&str, String)>) -> Event {
    let mut event = Event::new(Kind::Revocation, Verdict::Success);
    event.principals.caller = Some(Personal::Value(revoking.actor.json()));
    event.action = Some("revoke".to_owned());
    event.target = named(revoking.signer);
    event.arguments = Some(Personal::Value(json!({"reason": revoking.reason})));
    if let Some((code, why)) = refused {
        fail(&mut event, code, why);
    }
    event
}

fn fail(event: &mut Event, code: &str, why: String) {
    event.outcome.verdict = Verdict::Failure;
    event.outcome.error_codes = vec![code.to_owned()];
    event.outcome.reasons = vec![why];
}

/// Whether an event tells that an agent was quarantined.
pub(crate) fn is_quarantine(event: &Event) -> bool {
    let restricts = event.kind == Kind::Revocation && event.action.as_deref() == Some(RESTRICT);
    restricts && event.target.as_deref() == Some(Status::GovernedInvalidated.name())
}

/// The action of an event that sets a status.
const RESTRICT: &str = "restrict";

/// What a change of policies is about.
pub(crate) struct Exchange<'a> {
    pub(crate) workspace: &'a str,
    pub(crate) policy_set: &'a str,
    pub(crate) actor: Actor<'a>,
    pub(crate) reason: &'a str,
    pub(crate) old: Option<&'a str>,
    pub(crate) new: Option<&'a str>,
}

/// Policies were put in force, or (with the code and text of an error) refused.
pub(crate) fn exchange(exchange: &Exchange<'_>, refused: Option<(&str, String)>) -> Event {
    let mut event = about(DecisionCode::PolicyHotreload, exchange.workspace, exchange.actor);
    event.action = Some("activate".to_owned());
    event.target = Some(exchange.policy_set.to_owned());
    event.arguments = Some(Personal::Value(json!({
        "reason": exchange.reason,
        "old_hash": exchange.old,
        "new_hash": exchange.new,
    })));
    if let Some((code, why)) = refused {
        fail(&mut event, code, why);
    }
    event
}

/// A part of a revalidation, or the end of one.
pub(crate) struct Progress<'a> {
    pub(crate) workspace: &'a str,
    pub(crate) policy_set: &'a str,
    pub(crate) actor: Actor<'a>,
    pub(crate) policy_hash: &'a str,
    pub(crate) renewed: u64,
    pub(crate) invalidated: u64,
}

fn revalidation(progress: &Progress<'_>) -> Event {
    let mut event = about(DecisionCode::PolicyRevalidation, progress.workspace, progress.actor);
    event.action = Some("revalidate".to_owned());
    event.target = Some(progress.policy_set.to_owned());
    event.policy_checks = vec![PolicyCheck {
        policy: progress.policy_set.to_owned(),
        result: "in force".to_owned(),
        reason: Some(progress.policy_hash.to_owned()),
    }];
    let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let counts = [("renewed", count(progress.renewed)), ("invalidated", count(progress.invalidated))];
    event.outcome.counts = counts.map(|(name, number)| (name.to_owned(), number)).into();
    event
}

/// The end of a revalidation, with the counts of all of it.
pub(crate) fn revalidated(progress: &Progress<'_>) -> Event {
    revalidation(progress)
}

/// A part of it; the digest of the arguments is that of the signature that its new proofs share.
pub(crate) fn renewed(progress: &Progress<'_>, envelope: Option<&str>) -> Event {
    let mut event = revalidation(progress);
    event.outcome.verdict = Verdict::Observed;
    event.arguments_digest =
        envelope.map(|envelope| sha256_hex(envelope.as_bytes())).and_then(|d| digest(&d));
    event
}

/// An agent did not pass the new policies.
pub(crate) fn invalidated(progress: &Progress<'_>, id: i64, spec_hash: &str, reasons: &[String]) -> Event {
    let mut event = revalidation(progress);
    event.agent = Some(id.to_string());
    event.spec_digest = digest(spec_hash);
    event.outcome.verdict = Verdict::Deny;
    event.outcome.counts.clear();
    event.outcome.reasons = reasons.to_vec();
    event
}

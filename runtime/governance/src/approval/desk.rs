//! Approvals in a store: each step is one durable transaction with its audit event.

use super::{Approval, ApprovalRefusal, ApprovalRule, Vote};
use crate::action::CanonicalAction;
use crate::ledger::{Ledger, Records, transact};
use crate::outbox::Draft;
use crate::principal::Principal;
use crate::ticket::{Issuer, Order, Ticket};
use govc_audit::Event;
use govc_audit::event::{Kind, Personal, PolicyCheck, Verdict, random_id};
use std::fmt;
use std::sync::Arc;

/// Takes requests and votes and gives tickets. Threads share one; processes have one each over the same ledger.
#[derive(Clone)]
pub struct ApprovalDesk {
    ledger: Arc<dyn Ledger>,
}

impl ApprovalDesk {
    /// A desk over a ledger.
    pub fn new(ledger: Arc<dyn Ledger>) -> Self {
        Self { ledger }
    }

    /// Asks for approval, at a time in seconds since 1970.
    ///
    /// # Errors
    /// As [`Approval::request`], or when the ledger fails.
    pub fn request(
        &self,
        requester: &Principal,
        action: &CanonicalAction,
        audience: &str,
        rule: &ApprovalRule,
        now: i64,
    ) -> Result<Approval, ApprovalRefusal> {
        let id = format!("apr-{}", random_id());
        let approval = Approval::request(&id, requester, action, audience, rule, now)?;
        let event = Draft::of(told(&approval, requester, "requested", Verdict::RequireApproval))?;
        transact(&*self.ledger, |records| {
            records.put_approval(&approval)?;
            records.put_event(&event)
        })?;
        Ok(approval)
    }

    /// Votes.
    ///
    /// # Errors
    /// As [`Approval::vote`], or when the ledger fails.
    pub fn vote(&self, id: &str, by: &Principal, vote: Vote, now: i64) -> Result<Approval, ApprovalRefusal> {
        let (word, verdict) = match vote {
            Vote::Allow => ("allowed", Verdict::Allow),
            Vote::Deny => ("denied", Verdict::Deny),
        };
        self.step(id, |approval| {
            let next = approval.vote(by, vote, now)?;
            let event = told(&next, by, word, verdict);
            Ok((next.clone(), Some(next), event))
        })
    }

    /// Fetches the ticket of an approval that was granted. Who fetches it again gets the same ticket: the token has the same
    /// claims, and can be used once.
    ///
    /// # Errors
    /// As [`Approval::claim`], or when the ticket cannot be signed or the ledger fails.
    pub fn ticket(
        &self,
        id: &str,
        by: &Principal,
        action: &CanonicalAction,
        issuer: &Issuer,
        now: i64,
    ) -> Result<Ticket, ApprovalRefusal> {
        self.step(id, |approval| {
            let order = Order { caller: by, action, audience: &approval.audience };
            let (next, claims) = approval.claim(by, action, now, || Ok(issuer.claims(order, now)?))?;
            // Signed before it is stored: what cannot be signed was not given.
            let ticket = issuer.sign(claims)?;
            let changed = next != *approval;
            Ok((ticket, changed.then(|| next.clone()), told(&next, by, "ticketed", Verdict::Success)))
        })
    }

    /// An approval.
    ///
    /// # Errors
    /// When there is none of this name, or the ledger fails.
    pub fn approval(&self, id: &str) -> Result<Approval, ApprovalRefusal> {
        let found = transact(&*self.ledger, |records| records.approval(id))?;
        found.ok_or_else(|| ApprovalRefusal::Unknown { id: id.to_owned() })
    }

    /// All approvals, oldest first.
    ///
    /// # Errors
    /// When the ledger fails.
    pub fn approvals(&self) -> Result<Vec<Approval>, ApprovalRefusal> {
        Ok(self.ledger.approvals()?)
    }

    /// Takes an approval a step further: its new state and the event of that are stored together. No new state, no event.
    fn step<T>(
        &self,
        id: &str,
        step: impl Fn(&Approval) -> Result<(T, Option<Approval>, Event), ApprovalRefusal>,
    ) -> Result<T, ApprovalRefusal> {
        transact(&*self.ledger, |records| {
            let Some(approval) = records.approval(id)? else {
                return Ok(Err(ApprovalRefusal::Unknown { id: id.to_owned() }));
            };
            match step(&approval) {
                Ok((result, next, event)) => keep(records, next, event).map(|()| Ok(result)),
                Err(refusal) => Ok(Err(refusal)),
            }
        })?
    }
}

fn keep(
    records: &mut dyn Records,
    next: Option<Approval>,
    event: Event,
) -> Result<(), crate::store::StoreError> {
    let Some(next) = next else { return Ok(()) };
    records.put_approval(&next)?;
    records.put_event(&Draft::of(event)?).map(drop)
}

/// The event of a step.
fn told(approval: &Approval, by: &Principal, result: &str, verdict: Verdict) -> Event {
    let mut event = approval.action.event(Kind::Authorization, verdict);
    event.correlation_id.clone_from(&approval.id);
    event.principals.caller = Some(Personal::text(by.id()));
    event.principals.on_behalf_of =
        (by.id() != approval.requester).then(|| Personal::text(&*approval.requester));
    let reason = format!("{} of {}", approval.allowing(), approval.rule.needed);
    event.policy_checks.push(PolicyCheck {
        policy: "govc/approval".to_owned(),
        result: result.to_owned(),
        reason: Some(reason),
    });
    event
}

impl fmt::Debug for ApprovalDesk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApprovalDesk").finish_non_exhaustive()
    }
}

//! Burns tickets.
//!
//! The surprising fact: the expensive part, the signature, is checked by the caller's own thread before it joins the group;
//! the group shares one sync of the disk.

use super::claims::Claims;
use super::refusal::TicketRefusal;
use super::verifier::{Use, Verifier};
use crate::guard::Guard;
use crate::ledger::{Ledger, Records, transact};
use crate::outbox::Draft;
use crate::store::StoreError;
use govc_audit::event::Verdict;
use govc_audit::group::Group;
use std::fmt;
use std::sync::Arc;

/// A ticket that was used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Redeemed {
    /// What it said.
    pub claims: Claims,
    /// The name of the audit event that tells of it.
    pub event: String,
}

/// A ticket that is good, on its way to be burnt.
pub(crate) struct Burn {
    claims: Claims,
    now: i64,
    /// The event of its use, made before others have to wait for it.
    used: Draft,
}

/// What became of it: the name of its event.
pub(crate) type Burnt = Result<String, TicketRefusal>;

/// Takes tickets. Threads share one; processes have one each over the same ledger.
pub struct Redeemer {
    ledger: Arc<dyn Ledger>,
    verifier: Verifier,
    group: Group<Vec<Burn>, Result<Arc<[Burnt]>, StoreError>>,
}

impl Redeemer {
    /// A redeemer of the tickets that a verifier takes.
    pub fn new(ledger: Arc<dyn Ledger>, verifier: Verifier) -> Self {
        Self { ledger, verifier, group: Group::default() }
    }

    /// Verifies and burns a ticket and leaves its audit event, in one durable transaction. When this returns a ticket, it was
    /// used now and by nobody else; `now` is in seconds since 1970.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn redeem(&self, token: &str, shown_for: Use<'_>, now: i64) -> Result<Redeemed, TicketRefusal> {
        let claims = self.verifier.verify(token, shown_for, now)?;
        let burn = Burn::of(claims.clone(), now)?;
        let commit = |batch: &Vec<Burn>| self.commit(batch);
        let join = |batch: &mut Vec<Burn>| {
            batch.push(burn);
            batch.len() - 1
        };
        let (place, joined) = self.group.join(|_| false, join, commit);
        let burnt = self.group.wait(&joined, commit).transpose()?;
        let answer = burnt.and_then(|burnt| burnt.get(place).cloned());
        let event = answer.ok_or_else(|| StoreError::Database("a commit was not finished".to_owned()))??;
        Ok(Redeemed { claims, event })
    }

    fn commit(&self, batch: &[Burn]) -> Result<Arc<[Burnt]>, StoreError> {
        transact(&*self.ledger, |records| batch.iter().map(|burn| burn.carry_out(records)).collect())
    }
}

impl Burn {
    pub(crate) fn of(claims: Claims, now: i64) -> Result<Self, StoreError> {
        let used = Draft::of(claims.event("redeemed", Verdict::Allow))?;
        Ok(Self { claims, now, used })
    }

    pub(crate) fn carry_out(&self, records: &mut dyn Records) -> Result<Burnt, StoreError> {
        let fresh = records.burn(&self.claims.jti, self.claims.exp)?;
        let refusal = match Guard::UsedOnce.holds(fresh) {
            false => TicketRefusal::Replay,
            true if !Guard::LiveApproval.holds(self.execute_approval(records)?) => TicketRefusal::Approval,
            true => return Ok(Ok(records.put_event(&self.used)?)),
        };
        let mut event = self.claims.event("refused", Verdict::Deny);
        event.outcome.error_codes.push(refusal.code().to_owned());
        records.put_event(&Draft::of(event)?)?;
        Ok(Err(refusal))
    }

    /// Whether there is nothing to approve, or the approval is live; then it is executed.
    fn execute_approval(&self, records: &mut dyn Records) -> Result<bool, StoreError> {
        let Some(id) = &self.claims.approval else { return Ok(true) };
        let executed =
            records.approval(id)?.and_then(|approval| approval.execute(&self.claims, self.now).ok());
        executed.map_or(Ok(false), |approval| records.put_approval(&approval).map(|()| true))
    }
}

impl fmt::Debug for Redeemer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redeemer").field("verifier", &self.verifier).finish_non_exhaustive()
    }
}

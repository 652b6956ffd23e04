//! Approvals: what one person wants to do, others must allow first.
//!
//! An approval is bound to one exact action of one requester. As many of the named approvers as its rule asks for must
//! allow it before its time is over; the denial of one of them ends it, even after its ticket was issued. It gives one ticket,
//! which may be fetched again, and one execution.
//!
//! The surprising fact: everything here is a pure function from one state to the next. The store only keeps what comes out,
//! so the model test that goes through all orders of events explores the code that runs.

mod desk;
#[cfg(test)]
pub(crate) mod model;
mod refusal;

pub use desk::ApprovalDesk;
pub use refusal::ApprovalRefusal;

use crate::action::CanonicalAction;
use crate::guard::Guard;
use crate::principal::Principal;
use crate::store::StoreError;
use crate::ticket::Claims;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Who may approve, and how many must.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApprovalRule {
    /// Names of the approvers.
    pub approvers: BTreeSet<String>,
    /// How many of them must allow it.
    pub needed: usize,
    /// Seconds after which a request is over.
    pub lifetime: i64,
}

/// What an approver says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Vote {
    /// Yes.
    Allow,
    /// No, which ends it.
    Deny,
}

/// What an approver has said.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ballot {
    /// His name.
    pub by: String,
    /// The thumbprint of his key, where he proved one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// What.
    pub vote: Vote,
    /// When, in seconds since 1970.
    pub at: i64,
}

impl Ballot {
    /// Whether somebody gave it: under his name, or with his key.
    fn is_of(&self, by: &Principal) -> bool {
        let other_key = self.key.is_none() || self.key.as_deref() != by.key();
        !Guard::OneVoteOfName.holds(self.by != by.id()) || !Guard::OneVoteOfKey.holds(other_key)
    }
}

/// How far it got.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Progress {
    /// No ticket yet.
    Open,
    /// It gave this ticket.
    Ticketed(Box<Claims>),
    /// The ticket of this name was used.
    Executed(String),
    /// An approver said no.
    Denied,
}

/// How an approval stands at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ApprovalStatus {
    /// Votes are missing.
    Pending,
    /// Enough have allowed it.
    Approved,
    /// Its ticket was issued.
    Ticketed,
    /// Its ticket was used.
    Executed,
    /// Somebody has denied it.
    Denied,
    /// Its time is over.
    Expired,
}

impl ApprovalStatus {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Ticketed => "ticketed",
            Self::Executed => "executed",
            Self::Denied => "denied",
            Self::Expired => "expired",
        }
    }
}

/// A request for approval, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// Its name.
    pub id: String,
    /// What is to be approved.
    pub action: CanonicalAction,
    /// Who asks.
    pub requester: String,
    /// The thumbprint of his key.
    pub requester_key: String,
    /// Who will take the ticket.
    pub audience: String,
    /// Who must allow it.
    pub rule: ApprovalRule,
    /// When it was asked for, in seconds since 1970.
    pub requested_at: i64,
    /// From when on it is over.
    pub expires_at: i64,
    /// What was said.
    pub ballots: Vec<Ballot>,
    /// How far it got.
    pub progress: Progress,
}

impl Approval {
    /// Asks for approval, at a time in seconds since 1970.
    ///
    /// # Errors
    /// When the requester has proved no key, or nobody could ever grant it: the requester does not count as approver.
    pub fn request(
        id: &str,
        requester: &Principal,
        action: &CanonicalAction,
        audience: &str,
        rule: &ApprovalRule,
        now: i64,
    ) -> Result<Self, ApprovalRefusal> {
        let key = requester.key().ok_or(ApprovalRefusal::NoKey)?;
        let others = rule.approvers.iter().filter(|approver| *approver != requester.id()).count();
        if rule.needed == 0 || others < rule.needed || rule.lifetime <= 0 {
            return Err(ApprovalRefusal::Rule { needed: rule.needed, approvers: others });
        }
        Ok(Self {
            id: id.to_owned(),
            action: action.clone(),
            requester: requester.id().to_owned(),
            requester_key: key.to_owned(),
            audience: audience.to_owned(),
            rule: rule.clone(),
            requested_at: now,
            expires_at: now.saturating_add(rule.lifetime),
            ballots: Vec::new(),
            progress: Progress::Open,
        })
    }

    /// How it stands at a time.
    pub fn status(&self, now: i64) -> ApprovalStatus {
        match &self.progress {
            Progress::Denied => ApprovalStatus::Denied,
            Progress::Executed(_) => ApprovalStatus::Executed,
            Progress::Open | Progress::Ticketed(_) if !Guard::Lifetime.holds(now < self.expires_at) => {
                ApprovalStatus::Expired
            }
            Progress::Ticketed(_) => ApprovalStatus::Ticketed,
            Progress::Open if Guard::EnoughVotes.holds(self.allowing() >= self.rule.needed) => {
                ApprovalStatus::Approved
            }
            Progress::Open => ApprovalStatus::Pending,
        }
    }

    /// How many have allowed it.
    pub fn allowing(&self) -> usize {
        self.ballots.iter().filter(|ballot| ballot.vote == Vote::Allow).count()
    }

    /// The state after somebody has voted.
    ///
    /// # Errors
    /// When he may not: he is no approver, is the requester (by name or by key), has voted, or it is over.
    pub fn vote(&self, by: &Principal, vote: Vote, now: i64) -> Result<Self, ApprovalRefusal> {
        let is_requester = by.id() == self.requester || by.key() == Some(&self.requester_key);
        if !Guard::OthersVote.holds(!is_requester) {
            return Err(ApprovalRefusal::OwnRequest);
        }
        if !Guard::ApproversVote.holds(self.rule.approvers.contains(by.id())) {
            return Err(ApprovalRefusal::NoApprover);
        }
        let mine = self.ballots.iter().find(|ballot| ballot.is_of(by));
        // Who allowed it may still think better of it, but nobody counts twice.
        if mine.is_some_and(|ballot| vote == Vote::Allow || ballot.vote == Vote::Deny) {
            return Err(ApprovalRefusal::Voted);
        }
        let status = self.status(now);
        let over =
            matches!(status, ApprovalStatus::Denied | ApprovalStatus::Executed | ApprovalStatus::Expired);
        if !Guard::VoteWhileLive.holds(!over) {
            return Err(ApprovalRefusal::Over { status });
        }
        let mut next = self.clone();
        let ballot = Ballot { by: by.id().to_owned(), key: by.key().map(str::to_owned), vote, at: now };
        next.ballots.push(ballot);
        if !Guard::DenialEnds.holds(vote != Vote::Deny) {
            next.progress = Progress::Denied;
        }
        Ok(next)
    }

    /// The state after its requester has fetched the ticket, and the ticket's claims. `fresh` makes those of a new ticket; who
    /// asks again gets the claims of before. A ticket does not outlive its approval.
    ///
    /// # Errors
    /// When it is not granted, is over, or is somebody else's or for something else.
    pub fn claim(
        &self,
        by: &Principal,
        action: &CanonicalAction,
        now: i64,
        fresh: impl FnOnce() -> Result<Claims, ApprovalRefusal>,
    ) -> Result<(Self, Claims), ApprovalRefusal> {
        let is_requester = by.id() == self.requester && by.key() == Some(&self.requester_key);
        if !Guard::RequesterFetches.holds(is_requester) {
            return Err(ApprovalRefusal::OtherRequester);
        }
        if !Guard::SameAction.holds(*action == self.action) {
            return Err(ApprovalRefusal::OtherAction);
        }
        match (self.status(now), &self.progress) {
            (ApprovalStatus::Approved | ApprovalStatus::Ticketed, progress)
                if Guard::OneTicket.holds(*progress == Progress::Open) =>
            {
                let mut claims = fresh()?;
                claims.approval = Some(self.id.clone());
                claims.exp = claims.exp.min(self.expires_at);
                Ok((Self { progress: Progress::Ticketed(Box::new(claims.clone())), ..self.clone() }, claims))
            }
            (ApprovalStatus::Ticketed, Progress::Ticketed(claims)) => Ok((self.clone(), (**claims).clone())),
            (ApprovalStatus::Pending, _) => {
                Err(ApprovalRefusal::Pending { allowing: self.allowing(), needed: self.rule.needed })
            }
            (status, _) => Err(ApprovalRefusal::Over { status }),
        }
    }

    /// The state after its ticket was used.
    ///
    /// # Errors
    /// When it is over, or the ticket is not the one that it gave.
    pub fn execute(&self, ticket: &Claims, now: i64) -> Result<Self, ApprovalRefusal> {
        match (self.status(now), &self.progress) {
            (ApprovalStatus::Ticketed, Progress::Ticketed(claims))
                if Guard::ItsTicket.holds(**claims == *ticket) =>
            {
                Ok(Self { progress: Progress::Executed(ticket.jti.clone()), ..self.clone() })
            }
            (ApprovalStatus::Ticketed, _) => Err(ApprovalRefusal::OtherAction),
            (status, _) => Err(ApprovalRefusal::Over { status }),
        }
    }

    /// Reads what [`to_store`](Self::to_store) wrote.
    pub(crate) fn stored(text: &str) -> Result<Self, StoreError> {
        serde_json::from_str(text).map_err(|error| StoreError::Corrupt(format!("an approval: {error}")))
    }

    /// Its text in a store.
    pub(crate) fn to_store(&self) -> Result<String, StoreError> {
        serde_json::to_string(self).map_err(|error| StoreError::Corrupt(format!("an approval: {error}")))
    }
}

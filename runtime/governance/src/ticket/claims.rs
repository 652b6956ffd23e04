//! What a ticket says.

use super::issuer::Order;
use super::refusal::TicketRefusal;
use crate::action::CanonicalAction;
use govc_audit::Event;
use govc_audit::event::{Digest, Kind, Personal, PolicyCheck, Verdict};
use serde::{Deserialize, Serialize};

/// The claims of a ticket. The set is closed: a token with any other claim is none.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    /// Who issued it.
    pub iss: String,
    /// Who may take it.
    pub aud: String,
    /// Who may use it.
    pub sub: String,
    /// The key that he must have proved.
    pub cnf: Confirmation,
    /// What it allows.
    pub action: String,
    /// To what.
    pub target: String,
    /// With parameters of this digest.
    pub parameters: Digest,
    /// Under a bundle of this digest.
    pub bundle: Digest,
    /// The approval that it stands for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<String>,
    /// When it was issued, in seconds since 1970.
    pub iat: i64,
    /// From when on it is good.
    pub nbf: i64,
    /// From when on it is not good any more.
    pub exp: i64,
    /// Its name: 32 hex digits that no other ticket has.
    pub jti: String,
}

/// The key of a caller.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confirmation {
    /// Its thumbprint (RFC 7638).
    pub jkt: String,
}

impl Claims {
    /// What a ticket of this name says that is good from one time to another.
    ///
    /// # Errors
    /// When the caller has proved no key.
    pub(crate) fn of(
        order: Order<'_>,
        issuer: &str,
        (from, until): (i64, i64),
        name: String,
    ) -> Result<Self, TicketRefusal> {
        let jkt = order.caller.key().ok_or(TicketRefusal::Caller)?.to_owned();
        let CanonicalAction { action, target, parameters, bundle } = order.action.clone();
        Ok(Self {
            iss: issuer.to_owned(),
            aud: order.audience.to_owned(),
            sub: order.caller.id().to_owned(),
            cnf: Confirmation { jkt },
            action,
            target,
            parameters,
            bundle,
            approval: None,
            iat: from,
            nbf: from,
            exp: until,
            jti: name,
        })
    }

    /// The exact action.
    pub fn canonical_action(&self) -> CanonicalAction {
        CanonicalAction {
            action: self.action.clone(),
            target: self.target.clone(),
            parameters: self.parameters.clone(),
            bundle: self.bundle.clone(),
        }
    }

    /// The event of what happened to the ticket. The ticket itself never enters the log.
    pub(crate) fn event(&self, result: &str, verdict: Verdict) -> Event {
        let mut event = self.canonical_action().event(Kind::Authorization, verdict);
        event.correlation_id = self.approval.clone().unwrap_or_else(|| self.jti.clone());
        event.principals.caller = Some(Personal::text(&*self.sub));
        event.policy_checks.push(PolicyCheck {
            policy: "govc/ticket".to_owned(),
            result: result.to_owned(),
            reason: Some(self.jti.clone()),
        });
        event
    }
}

impl CanonicalAction {
    /// An event about this action.
    pub(crate) fn event(&self, kind: Kind, verdict: Verdict) -> Event {
        let mut event = Event::new(kind, verdict);
        event.action = Some(self.action.clone());
        event.target = Some(self.target.clone());
        event.arguments_digest = Some(self.parameters.clone());
        event.bundle_digest = Some(self.bundle.clone());
        event
    }
}

//! Makes tickets.

use super::claims::Claims;
use super::refusal::TicketRefusal;
use super::{LIFETIME, TYPE};
use crate::action::CanonicalAction;
use crate::jws;
use crate::ledger::{Ledger, transact};
use crate::outbox::Draft;
use crate::principal::Principal;
use govc_audit::event::{Verdict, random_id};
use govc_engine::{Algorithm, KeyError, SigningKey};

/// What a ticket is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Order<'o> {
    /// Who will use it; he must have proved a key.
    pub caller: &'o Principal,
    /// For what.
    pub action: &'o CanonicalAction,
    /// Who will take it.
    pub audience: &'o str,
}

/// A ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// The token: a secret of its caller, although it is of no use without the caller's key.
    pub token: String,
    /// What it says.
    pub claims: Claims,
}

/// Issues tickets under one key.
#[derive(Debug)]
pub struct Issuer {
    key: SigningKey,
    name: String,
    lifetime: i64,
}

impl Issuer {
    /// An issuer of this name with an Ed25519, ECDSA or RSA key.
    ///
    /// # Errors
    /// When the key is a shared secret.
    pub fn new(name: impl Into<String>, key: SigningKey) -> Result<Self, KeyError> {
        if key.verifying_key().thumbprint().is_none() {
            return Err(KeyError::Algorithm { asked: key.algorithm() });
        }
        Ok(Self { key, name: name.into(), lifetime: LIFETIME })
    }

    /// An issuer under a shared secret (HS256), for verifiers that cannot do better: who verifies can issue, too.
    ///
    /// # Errors
    /// When the secret has fewer than 32 bytes.
    pub fn with_shared_secret(name: impl Into<String>, secret: &[u8]) -> Result<Self, KeyError> {
        let key = SigningKey::from_secret(jws::shared_secret(secret)?, Algorithm::Hs256)?;
        Ok(Self { key, name: name.into(), lifetime: LIFETIME })
    }

    /// The same for tickets that are good for so many seconds.
    #[must_use]
    pub fn lasting(mut self, seconds: i64) -> Self {
        self.lifetime = seconds;
        self
    }

    /// Issues a ticket that is good from `now` on, in seconds since 1970, and records that in the ledger.
    ///
    /// # Errors
    /// When the caller has proved no key, the key cannot sign, or the ledger fails; then there is no ticket.
    pub fn issue(&self, ledger: &dyn Ledger, order: Order<'_>, now: i64) -> Result<Ticket, TicketRefusal> {
        let ticket = self.sign(self.claims(order, now)?)?;
        let event = Draft::of(ticket.claims.event("issued", Verdict::Success))?;
        transact(ledger, |records| records.put_event(&event))?;
        Ok(ticket)
    }

    /// The claims of a new ticket.
    pub(crate) fn claims(&self, order: Order<'_>, now: i64) -> Result<Claims, TicketRefusal> {
        Claims::of(order, &self.name, (now, now.saturating_add(self.lifetime)), fresh_name())
    }

    /// Signs claims as they are.
    pub(crate) fn sign(&self, claims: Claims) -> Result<Ticket, TicketRefusal> {
        let token = jws::sign(&self.key, TYPE, &claims).map_err(TicketRefusal::Signing)?;
        Ok(Ticket { token, claims })
    }
}

/// A name that no other ticket has: the time in milliseconds, then chance. Names that are made together are burnt together,
/// and so come to lie on few pages of a store.
fn fresh_name() -> String {
    let chance = random_id();
    format!("{:012x}{}", jiff::Timestamp::now().as_millisecond(), chance.get(..20).unwrap_or_default())
}

//! Tells whether a ticket is good for what it is shown for.
//!
//! The surprising fact: a verifier writes nothing, so what it finds good may have been used before. Only a
//! [`Redeemer`](super::Redeemer) knows.

use super::claims::Claims;
use super::refusal::TicketRefusal;
use super::{LONGEST_LIFETIME, TYPE};
use crate::action::CanonicalAction;
use crate::jws::{Fault, Keys};
use crate::principal::Principal;
use govc_engine::{KeyError, VerifyingKey};

/// What a ticket is shown for.
#[derive(Clone, Copy, Debug)]
pub struct Use<'u> {
    /// Who shows it.
    pub caller: &'u Principal,
    /// What he is about to do.
    pub action: &'u CanonicalAction,
}

/// Checks tickets of one issuer for one taker.
#[derive(Clone, Debug)]
pub struct Verifier {
    keys: Keys,
    issuer: String,
    audience: String,
    longest: i64,
}

impl Verifier {
    /// A verifier of tickets that `issuer` has signed with one of these keys for `audience`.
    ///
    /// # Errors
    /// When a key is a shared secret.
    pub fn new(
        issuer: impl Into<String>,
        audience: impl Into<String>,
        keys: impl IntoIterator<Item = VerifyingKey>,
    ) -> Result<Self, KeyError> {
        Ok(Self::of(issuer.into(), audience.into(), Keys::public(keys)?))
    }

    /// A verifier of tickets under a shared secret (HS256). It could issue them, too.
    ///
    /// # Errors
    /// When the secret has fewer than 32 bytes.
    pub fn with_shared_secret(
        issuer: impl Into<String>,
        audience: impl Into<String>,
        secret: &[u8],
    ) -> Result<Self, KeyError> {
        Ok(Self::of(issuer.into(), audience.into(), Keys::secret(secret)?))
    }

    fn of(issuer: String, audience: String, keys: Keys) -> Self {
        Self { keys, issuer, audience, longest: LONGEST_LIFETIME }
    }

    /// The same for tickets that are good for at most so many seconds.
    #[must_use]
    pub fn at_most(mut self, seconds: i64) -> Self {
        self.longest = seconds;
        self
    }

    /// The claims of a ticket that is good at a time, in seconds since 1970, for a use.
    ///
    /// # Errors
    /// The first reason to refuse it.
    pub fn verify(&self, token: &str, shown_for: Use<'_>, now: i64) -> Result<Claims, TicketRefusal> {
        let claims: Claims = self.keys.open(token, TYPE)?;
        self.meant_for_us(&claims)?;
        self.timely(&claims, now)?;
        fits(&claims, shown_for)?;
        Ok(claims)
    }

    fn meant_for_us(&self, claims: &Claims) -> Result<(), TicketRefusal> {
        if claims.iss != self.issuer {
            return Err(TicketRefusal::Issuer);
        }
        if claims.aud != self.audience { Err(TicketRefusal::Audience) } else { Ok(()) }
    }

    fn timely(&self, claims: &Claims, now: i64) -> Result<(), TicketRefusal> {
        let Claims { iat, nbf, exp, .. } = *claims;
        if iat > now || nbf > now {
            return Err(TicketRefusal::Early);
        }
        if exp <= now {
            return Err(TicketRefusal::Expired);
        }
        let in_bounds = exp.checked_sub(iat.min(nbf)).is_some_and(|lifetime| lifetime <= self.longest);
        if in_bounds { Ok(()) } else { Err(TicketRefusal::Lifetime) }
    }
}

fn fits(claims: &Claims, shown_for: Use<'_>) -> Result<(), TicketRefusal> {
    let CanonicalAction { action, target, parameters, bundle } = shown_for.action;
    let caller = shown_for.caller;
    let mut checks = [
        (claims.action == *action, TicketRefusal::Action),
        (claims.target == *target, TicketRefusal::Target),
        (claims.parameters == *parameters, TicketRefusal::Parameters),
        (claims.bundle == *bundle, TicketRefusal::Bundle),
        (claims.sub == caller.id() && caller.key() == Some(&claims.cnf.jkt), TicketRefusal::Caller),
        (claims.jti.len() == 32, TicketRefusal::Malformed),
    ]
    .into_iter();
    checks.find(|(holds, _)| !holds).map_or(Ok(()), |(_, refusal)| Err(refusal))
}

impl From<Fault> for TicketRefusal {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Malformed => Self::Malformed,
            Fault::Type => Self::Type,
            Fault::Algorithm => Self::Algorithm,
            Fault::Key => Self::Key,
            Fault::Signature => Self::Signature,
        }
    }
}

//! Execution tickets as Agent-Safe issues them: tokens that let one caller do one thing once.
//!
//! The surprising fact: a ticket that is shown for something else is refused, and still good for what it is for. What burns
//! it is its use.

use crate::token::{TokenError, TokenRules};
use govc_engine::{Algorithm, KeyError, VerifyingKey};
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// Seconds after its end for which a used ticket is remembered.
const RETENTION: i64 = 30 * 60;
const ISSUER: &str = "agent-safe";
const CLAIMS: &[&str] = &["type", "action", "target", "caller", "audit_id", "nonce", "iss", "iat", "exp"];

/// Why a ticket is refused. The texts are Agent-Safe's.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TicketError {
    /// The token is not to be believed.
    Token(TokenError),
    /// It is a token for something else, such as an identity.
    Type,
    /// It is for another action or target.
    Mismatch {
        /// `Action` or `Target`.
        what: &'static str,
        /// What it is for.
        given: String,
        /// What it was shown for.
        expected: String,
    },
    /// It was used before.
    Replay,
}

impl fmt::Display for TicketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token(TokenError::Expired) => f.write_str("Ticket has expired"),
            Self::Token(TokenError::Issuer) => f.write_str("Invalid ticket issuer"),
            Self::Token(error) => write!(f, "Invalid ticket: {error}"),
            Self::Type => f.write_str("Token is not an execution ticket"),
            Self::Mismatch { what, given, expected } => {
                write!(f, "{what} mismatch: ticket is for '{given}', expected '{expected}'")
            }
            Self::Replay => f.write_str("Ticket has already been used (replay detected)"),
        }
    }
}

impl std::error::Error for TicketError {}

/// Takes tickets and burns them. It remembers in memory: one gate in one process.
#[derive(Debug)]
pub struct TicketGate {
    rules: TokenRules,
    used: Mutex<HashMap<String, i64>>,
}

impl TicketGate {
    /// A gate for tickets under a shared secret (HS256).
    ///
    /// # Errors
    /// When the secret cannot be a key.
    pub fn new(secret: &[u8]) -> Result<Self, KeyError> {
        let key = VerifyingKey::from_secret(secret).only(Algorithm::Hs256)?;
        let rules = TokenRules::new(key, Algorithm::Hs256, ISSUER, CLAIMS);
        Ok(Self { rules, used: Mutex::default() })
    }

    /// Burns a ticket and gives its claims, at a time in seconds since 1970.
    ///
    /// # Errors
    /// Why it is refused; then it is not burnt.
    pub fn redeem(
        &self,
        token: &str,
        action: Option<&str>,
        target: Option<&str>,
        now: i64,
    ) -> Result<Map<String, Value>, TicketError> {
        let claims = self.rules.verify(token, now).map_err(TicketError::Token)?;
        if claims.get("type").and_then(Value::as_str) != Some("execution-ticket") {
            return Err(TicketError::Type);
        }
        fits(&claims, "Action", "action", action)?;
        fits(&claims, "Target", "target", target)?;
        let nonce = claims.get("nonce").map(Value::to_string).unwrap_or_default();
        let ends = claims.get("exp").and_then(Value::as_i64).unwrap_or(i64::MAX - RETENTION);
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.retain(|_, end| now <= end.saturating_add(RETENTION));
        if used.insert(nonce, ends).is_some() {
            return Err(TicketError::Replay);
        }
        Ok(claims)
    }
}

fn fits(
    claims: &Map<String, Value>,
    what: &'static str,
    claim: &str,
    expected: Option<&str>,
) -> Result<(), TicketError> {
    let given = claims.get(claim).and_then(Value::as_str).unwrap_or_default();
    match expected {
        Some(expected) if expected != given => {
            Err(TicketError::Mismatch { what, given: given.to_owned(), expected: expected.to_owned() })
        }
        _ => Ok(()),
    }
}

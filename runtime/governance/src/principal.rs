//! Who acts, as far as it was proved.
//!
//! The surprising fact: there is no way to make one of a bare name. Rates, risks, votes and tickets take a [`Principal`],
//! so what somebody says of himself counts against nobody.

use crate::token::{TokenError, TokenRules};
use govc_engine::VerifyingKey;
use serde_json::{Map, Value};

/// What a caller signs to prove a key, before the challenge.
const CONTEXT: &[u8] = b"govc principal proof v1\n";

/// Somebody whose name was proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    id: String,
    key: Option<String>,
}

impl Principal {
    /// Who a token names in `agent_id`, else in `sub`; with the key that it names in `cnf.jkt` (RFC 7800, RFC 9449).
    ///
    /// # Errors
    /// Why the token is not believed.
    pub fn from_token(rules: &TokenRules, token: &str, now: i64) -> Result<Self, TokenError> {
        let claims = rules.verify(token, now)?;
        let id = text(&claims, "agent_id").or_else(|| text(&claims, "sub"));
        let id = id.ok_or_else(|| TokenError::Missing("agent_id".to_owned()))?;
        let key = claims.get("cnf").and_then(|confirmation| confirmation.get("jkt")).and_then(Value::as_str);
        Ok(Self { id: id.to_owned(), key: key.map(str::to_owned) })
    }

    /// Who holds a key: he signed [`Principal::challenge`] of a challenge that nobody could foresee. His name is that of the
    /// key, else its thumbprint. Nothing when the signature is not his, or the key is a shared secret.
    pub fn from_key(key: &VerifyingKey, challenge: &[u8], signature: &[u8]) -> Option<Self> {
        let message = Self::challenge(challenge);
        let good =
            govc_engine::Algorithm::ALL.iter().any(|algorithm| key.verifies(*algorithm, &message, signature));
        let thumbprint = key.thumbprint().filter(|_| good)?;
        Some(Self { id: key.id().unwrap_or(&thumbprint).to_owned(), key: Some(thumbprint) })
    }

    /// Whom the program around this library has verified by its own means, such as a TLS handshake. Who calls this vouches
    /// for the name, and for the thumbprint (RFC 7638) of the key.
    pub fn verified_elsewhere(id: impl Into<String>, key: Option<String>) -> Self {
        Self { id: id.into(), key }
    }

    /// What is signed to answer a challenge.
    pub fn challenge(challenge: &[u8]) -> Vec<u8> {
        [CONTEXT, challenge].concat()
    }

    /// His name.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The thumbprint of the key that he has proved.
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }
}

fn text<'c>(claims: &'c Map<String, Value>, name: &str) -> Option<&'c str> {
    claims.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

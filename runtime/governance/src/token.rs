//! Tokens that name a caller or allow an execution: JWTs (RFC 7519) under one key and one algorithm.
//!
//! The surprising fact: the order of the checks is part of the answer. Nothing that a token says is looked at before its
//! signature holds, and a token that is wrong in several ways is refused for the first of them.

use govc_engine::{Algorithm, VerifyingKey};
use serde_json::{Map, Value};
use std::fmt;

/// What a token must be to be believed.
#[derive(Clone, Debug)]
pub struct TokenRules {
    key: VerifyingKey,
    algorithm: Algorithm,
    issuer: String,
    required: Vec<String>,
}

/// Why a token is refused. The texts are those of Agent-Safe's library.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenError {
    /// It is no JWT.
    Malformed(&'static str),
    /// It names another algorithm.
    Algorithm,
    /// The signature is not that of the key.
    Signature,
    /// A claim that must be there is not.
    Missing(String),
    /// A claim has a wrong type.
    Claim(&'static str),
    /// It is not valid yet, says this claim.
    Early(&'static str),
    /// Its time is over.
    Expired,
    /// Somebody else has issued it.
    Issuer,
    /// It is meant for somebody else.
    Audience,
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(what) | Self::Claim(what) => f.write_str(what),
            Self::Algorithm => f.write_str("The specified alg value is not allowed"),
            Self::Signature => f.write_str("Signature verification failed"),
            Self::Missing(claim) => write!(f, "Token is missing the \"{claim}\" claim"),
            Self::Early(claim) => write!(f, "The token is not yet valid ({claim})"),
            Self::Expired => f.write_str("Signature has expired"),
            Self::Issuer => f.write_str("Invalid issuer"),
            Self::Audience => f.write_str("Invalid audience"),
        }
    }
}

impl std::error::Error for TokenError {}

impl TokenRules {
    /// Tokens of `issuer` under `key` with exactly this algorithm, with all of the `required` claims.
    pub fn new(
        key: VerifyingKey,
        algorithm: Algorithm,
        issuer: impl Into<String>,
        required: &[&str],
    ) -> Self {
        let required = required.iter().map(|&claim| claim.to_owned()).collect();
        Self { key, algorithm, issuer: issuer.into(), required }
    }

    /// The claims of a token, at a time in seconds since 1970.
    ///
    /// # Errors
    /// The first reason not to believe it.
    pub fn verify(&self, token: &str, now: i64) -> Result<Map<String, Value>, TokenError> {
        let claims = self.signed_claims(token)?;
        if let Some(missing) = self.required.iter().find(|name| claims.get(*name).is_none_or(Value::is_null))
        {
            return Err(TokenError::Missing(missing.clone()));
        }
        if number(&claims, "iat", "Issued At claim (iat) must be an integer.")?.is_some_and(|iat| iat > now) {
            return Err(TokenError::Early("iat"));
        }
        if number(&claims, "nbf", "Not Before claim (nbf) must be an integer.")?.is_some_and(|nbf| nbf > now)
        {
            return Err(TokenError::Early("nbf"));
        }
        if number(&claims, "exp", "Expiration Time claim (exp) must be an integer.")?
            .is_some_and(|exp| exp <= now)
        {
            return Err(TokenError::Expired);
        }
        if claims.get("iss").and_then(Value::as_str) != Some(&self.issuer) {
            return Err(TokenError::Issuer);
        }
        if claims.get("aud").is_some_and(|audience| !audience.is_null()) {
            return Err(TokenError::Audience);
        }
        Ok(claims)
    }

    fn signed_claims(&self, token: &str) -> Result<Map<String, Value>, TokenError> {
        let (signed, signature) =
            token.rsplit_once('.').ok_or(TokenError::Malformed("Not enough segments"))?;
        let (header, payload) = signed.split_once('.').ok_or(TokenError::Malformed("Not enough segments"))?;
        let header = object(header, "Invalid header padding", "Invalid header string")?;
        let payload_bytes = decoded(payload).ok_or(TokenError::Malformed("Invalid payload padding"))?;
        let signature = decoded(signature).ok_or(TokenError::Malformed("Invalid crypto padding"))?;
        if header.get("alg").and_then(Value::as_str) != Some(self.algorithm.name()) {
            return Err(TokenError::Algorithm);
        }
        if !self.key.verifies(self.algorithm, signed.as_bytes(), &signature) {
            return Err(TokenError::Signature);
        }
        serde_json::from_slice(&payload_bytes).map_err(|_| TokenError::Malformed("Invalid payload string"))
    }
}

fn object(part: &str, padding: &'static str, string: &'static str) -> Result<Map<String, Value>, TokenError> {
    let bytes = decoded(part).ok_or(TokenError::Malformed(padding))?;
    serde_json::from_slice(&bytes).map_err(|_| TokenError::Malformed(string))
}

fn decoded(part: &str) -> Option<Vec<u8>> {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).ok()
}

/// A time in whole seconds.
fn number(claims: &Map<String, Value>, name: &str, fault: &'static str) -> Result<Option<i64>, TokenError> {
    match claims.get(name) {
        None => Ok(None),
        Some(value) => {
            let seconds = value.as_i64().or_else(|| value.as_f64().map(|seconds| seconds as i64));
            seconds.map(Some).ok_or(TokenError::Claim(fault))
        }
    }
}

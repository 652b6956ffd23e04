//! Trust as a file: which keys, how many of them, which not any more.

use super::Trust;
use crate::keys::{Algorithm, KeyError, VerifyingKey};
use jiff::Timestamp;
use serde::Deserialize;
use std::fmt;

/// The file. Unknown members are refused: a misspelt `revoked` must not pass unseen.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    keys: Vec<Key>,
    #[serde(default = "one")]
    threshold: usize,
    #[serde(default)]
    revoked: Vec<String>,
    #[serde(default)]
    minimum_version: Option<u64>,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    exclude_files: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Key {
    id: String,
    /// PEM text, or the secret of an HMAC algorithm.
    key: String,
    #[serde(default)]
    algorithm: Option<String>,
    #[serde(default)]
    not_before: Option<Timestamp>,
    #[serde(default)]
    not_after: Option<Timestamp>,
}

fn one() -> usize {
    1
}

/// Why a file says nothing that could be trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrustError {
    /// It is not JSON of the right shape.
    Form(String),
    /// A key cannot be used.
    Key {
        /// Its name.
        id: String,
        /// What is wrong.
        error: KeyError,
    },
    /// An algorithm is unknown.
    Algorithm(String),
    /// There are fewer keys than must sign, so that every bundle would be refused.
    Threshold {
        /// Keys that there are, without those revoked.
        keys: usize,
        /// Keys that must sign.
        wanted: usize,
    },
    /// A revoked key is not named by 64 hex digits.
    Fingerprint(String),
}

impl TrustError {
    /// Our stable code.
    pub fn code(&self) -> &'static str {
        "govc_trust"
    }
}

impl fmt::Display for TrustError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form(why) => write!(f, "the trust cannot be read: {why}"),
            Self::Key { id, error } => write!(f, "key `{id}`: {error}"),
            Self::Algorithm(name) => write!(f, "unknown algorithm `{name}`"),
            Self::Threshold { keys, wanted } => {
                write!(f, "{wanted} keys must sign, and {keys} are trusted")
            }
            Self::Fingerprint(text) => {
                write!(f, "`{text}` is no fingerprint of a key (SHA-256, 64 hex digits)")
            }
        }
    }
}

impl std::error::Error for TrustError {}

impl Trust {
    /// Reads trust from a file: `{"keys": [{"id", "key", "algorithm"?, "not_before"?, "not_after"?}], "threshold"?,
    /// "revoked"?: [fingerprint], "minimum_version"?, "scope"?, "exclude_files"?: [pattern]}`. Keys are PEM texts, or secrets where the algorithm is
    /// an HMAC; times are RFC 3339; fingerprints are those of [`VerifyingKey::fingerprint`].
    ///
    /// # Errors
    /// What is wrong in it, also where no bundle could ever satisfy it.
    pub fn from_policy(text: &[u8]) -> Result<Self, TrustError> {
        let file: File = serde_json::from_slice(text).map_err(|error| TrustError::Form(error.to_string()))?;
        if let Some(text) = file.revoked.iter().find(|text| !is_fingerprint(text)) {
            return Err(TrustError::Fingerprint(text.clone()));
        }
        let keys = file.keys.into_iter().map(Key::read).collect::<Result<Vec<_>, _>>()?;
        let trust = Self::any_of(keys).threshold(file.threshold).revoked(file.revoked).scope(file.scope);
        let trust = trust.excluding(file.exclude_files);
        let good = trust.keys().iter().filter(|key| !trust.is_revoked(key)).count();
        if good < trust.wanted_keys() {
            return Err(TrustError::Threshold { keys: good, wanted: trust.wanted_keys() });
        }
        Ok(match file.minimum_version {
            Some(version) => trust.minimum_version(version),
            None => trust,
        })
    }
}

impl Key {
    fn read(self) -> Result<VerifyingKey, TrustError> {
        let algorithm = match self.algorithm {
            None => None,
            Some(name) => Some(Algorithm::from_name(&name).ok_or(TrustError::Algorithm(name))?),
        };
        let key = VerifyingKey::from_text(&self.key, algorithm)
            .map_err(|error| TrustError::Key { id: self.id.clone(), error })?;
        Ok(key.with_id(self.id).between(self.not_before, self.not_after))
    }
}

fn is_fingerprint(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

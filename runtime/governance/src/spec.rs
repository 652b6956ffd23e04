//! The specification of an agent: a JSON document whose digest a proof names.
//!
//! It is kept as the text that was given. The digest is over its canonical form (RFC 8785), so that neither the order of
//! keys nor white space counts, and everything else does.

use govc_engine::{canonical_json, sha256_hex};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::fmt;

/// An agent's specification.
///
/// ```
/// use govc_governance::AgentSpec;
/// let a = AgentSpec::from_json(br#"{"name": "ledger", "version": "1.0"}"#)?;
/// let b = AgentSpec::from_json(br#"{"version":"1.0","name":"ledger"}"#)?;
/// assert_eq!(a.digest(), b.digest());
/// # Ok::<(), govc_governance::SpecError>(())
/// ```
#[derive(Clone, Debug)]
pub struct AgentSpec {
    raw: Box<RawValue>,
    fields: Map<String, Value>,
    digest: String,
}

/// Why a document is no specification.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpecError {
    /// Not JSON.
    Json(String),
    /// Not an object.
    NotAnObject,
}

impl SpecError {
    /// Our stable code.
    pub fn code(&self) -> &'static str {
        match self {
            SpecError::Json(_) => "govc_spec_json",
            SpecError::NotAnObject => "govc_spec_object",
        }
    }
}

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SpecError::Json(why) => write!(f, "the specification is not JSON: {why}"),
            SpecError::NotAnObject => f.write_str("the specification is not an object"),
        }
    }
}

impl std::error::Error for SpecError {}

impl AgentSpec {
    /// Reads a specification.
    ///
    /// # Errors
    /// When the text is not a JSON object.
    pub fn from_json(text: &[u8]) -> Result<Self, SpecError> {
        let raw: Box<RawValue> = serde_json::from_slice(text).map_err(|e| SpecError::Json(e.to_string()))?;
        let fields: Value = serde_json::from_str(raw.get()).map_err(|e| SpecError::Json(e.to_string()))?;
        let Value::Object(fields) = fields else { return Err(SpecError::NotAnObject) };
        let canonical =
            canonical_json(raw.get().as_bytes()).map_err(|e| SpecError::Json(e.kind.to_string()))?;
        Ok(Self { raw, fields, digest: sha256_hex(&canonical) })
    }

    /// Reads a specification from a file that holds either the specification itself or a request with the specification
    /// as its member `agent`.
    ///
    /// # Errors
    /// As [`from_json`](Self::from_json).
    pub fn from_spec_or_request(text: &[u8]) -> Result<Self, SpecError> {
        #[derive(serde::Deserialize)]
        struct Request {
            agent: Box<RawValue>,
        }
        match serde_json::from_slice::<Request>(text) {
            Ok(request) if request.agent.get().starts_with('{') => {
                Self::from_json(request.agent.get().as_bytes())
            }
            _ => Self::from_json(text),
        }
    }

    /// The specification as it was given.
    pub fn json(&self) -> &str {
        self.raw.get()
    }

    pub(crate) fn raw(&self) -> &RawValue {
        &self.raw
    }

    /// SHA-256 of its canonical form, 64 hex digits: the `spec_hash` of a proof.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// A top-level member.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.fields.get(name)
    }

    /// A top-level text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    /// Are both members of `sandbox_constraints` that must be `false` exactly that?
    pub fn is_contained(&self) -> bool {
        let constraint = |name: &str| self.get("sandbox_constraints").and_then(|c| c.get(name));
        let is_false = |name| constraint(name) == Some(&Value::Bool(false));
        is_false("external_calls") && is_false("persistent_writes")
    }

    /// When a sandbox that was made at `created` (seconds since 1970) expires, by `auto_expiry_hours`. Missing, negative or
    /// fractional hours give no expiry, and a sandbox without expiry has expired.
    pub fn expires_at(&self, created: i64) -> Option<i64> {
        let hours = self.get("sandbox_constraints")?.get("auto_expiry_hours")?.as_u64()?;
        created.checked_add(i64::try_from(hours).ok()?.checked_mul(3600)?)
    }
}

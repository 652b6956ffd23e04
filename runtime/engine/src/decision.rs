//! The answer of a policy.

use crate::effect::Effect;
use crate::host::Answers;
use crate::query::Limits;
use crate::telling::Rules;
use serde::de::DeserializeOwned;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;
use std::fmt;
use std::sync::Arc;

/// Name and version of this engine.
pub const ENGINE: &str = concat!("govc ", env!("CARGO_PKG_VERSION"));

/// What a policy decided, and everything needed to decide it again.
///
/// The same bundle, input and outside answers give the same decision, byte for byte.
#[derive(Clone, Debug)]
#[must_use = "a decision that nobody looks at protects nothing"]
#[non_exhaustive]
pub struct Decision {
    pub(crate) effect: Effect,
    pub(crate) result: Option<Box<RawValue>>,
    pub(crate) reasons: Vec<String>,
    pub(crate) warnings: Vec<String>,
    pub(crate) obligations: Vec<Box<RawValue>>,
    pub(crate) bundle: Arc<str>,
    pub(crate) entrypoint: String,
    pub(crate) input_digest: Option<String>,
    pub(crate) answers: Answers,
    pub(crate) limits: Limits,
    pub(crate) error: Option<DecideError>,
    pub(crate) rules: Option<Result<Rules, DecideError>>,
}

impl Decision {
    /// The verdict. Undefined and every error are [`Effect::Deny`].
    pub fn effect(&self) -> Effect {
        self.effect
    }

    /// Is the verdict [`Effect::Allow`]?
    #[must_use]
    pub fn is_allow(&self) -> bool {
        self.effect == Effect::Allow
    }

    /// The result as canonical JSON (RFC 8785); `None` when it is undefined or there was an error.
    pub fn result(&self) -> Option<&str> {
        self.result.as_deref().map(RawValue::get)
    }

    /// The result as a type of the embedder.
    ///
    /// # Errors
    /// When there is none, or it is of another shape.
    pub fn result_as<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.result().unwrap_or_default())
    }

    /// Why, as the policy says it; for an error, what went wrong.
    pub fn reasons(&self) -> &[String] {
        &self.reasons
    }

    /// What the policy warns of.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// What the caller must do when it acts on the decision, each as the policy wrote it.
    pub fn obligations(&self) -> &[Box<RawValue>] {
        &self.obligations
    }

    /// The digest of the bundle that decided, 64 hex digits.
    pub fn bundle(&self) -> &str {
        &self.bundle
    }

    /// The entrypoint that was asked.
    pub fn entrypoint(&self) -> &str {
        &self.entrypoint
    }

    /// SHA-256 of the input's canonical JSON, 64 hex digits; `None` without an input, or when it is not JSON.
    pub fn input_digest(&self) -> Option<&str> {
        self.input_digest.as_deref()
    }

    /// What the world answered: OPA's `nd_builtin_cache`.
    pub fn answers(&self) -> &Answers {
        &self.answers
    }

    /// The limits within which it was decided.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Name and version of the engine that decided.
    pub fn engine(&self) -> &'static str {
        ENGINE
    }

    /// Why there is no result, if something went wrong.
    pub fn error(&self) -> Option<&DecideError> {
        self.error.as_ref()
    }

    /// Which rules fired, and which would have had to fire; or why nobody can tell, which changes no decision. `None` where
    /// the query did not ask, and for errors.
    pub fn rules(&self) -> Option<Result<&Rules, &DecideError>> {
        self.rules.as_ref().map(Result::as_ref)
    }

    /// The decision as one JSON object: `decision`, `reasons`, `result`, `bundle`, `entrypoint`, `input_digest`,
    /// `nd_builtin_cache`, `engine`, `limits`; where there are any, `warnings`, `obligations`, `error`; and where the query
    /// asked, `rules`: `{"fired", "not_fired"}`, or `null` where nobody can tell.
    pub fn to_json(&self) -> String {
        // Every part is text or JSON already, so nothing here can fail to be written.
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl Serialize for Decision {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("decision", self.effect.name())?;
        map.serialize_entry("reasons", &self.reasons)?;
        map.serialize_entry("result", &self.result)?;
        map.serialize_entry("bundle", &*self.bundle)?;
        map.serialize_entry("entrypoint", &self.entrypoint)?;
        map.serialize_entry("input_digest", &self.input_digest)?;
        map.serialize_entry("nd_builtin_cache", &self.answers)?;
        map.serialize_entry("engine", ENGINE)?;
        map.serialize_entry("limits", &self.limits)?;
        if !self.warnings.is_empty() {
            map.serialize_entry("warnings", &self.warnings)?;
        }
        if !self.obligations.is_empty() {
            map.serialize_entry("obligations", &self.obligations)?;
        }
        if let Some(error) = &self.error {
            map.serialize_entry("error", error)?;
        }
        if let Some(rules) = &self.rules {
            map.serialize_entry("rules", &rules.as_ref().ok())?;
        }
        map.end()
    }
}

/// Why a decision has no result. Each of them denies.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecideError {
    /// The bundle has no such entrypoint.
    Entrypoint {
        /// What was asked.
        name: String,
    },
    /// The handle was resolved from another bundle.
    Handle,
    /// The input is not JSON within the limits.
    Input {
        /// What is wrong.
        message: String,
        /// The byte at which it was seen.
        offset: usize,
    },
    /// The input could not be serialized.
    Serialize(String),
    /// The policy asked for something of the outside world that the host does not have.
    Unavailable {
        /// The builtin, such as `time.now_ns`.
        builtin: String,
    },
    /// The policy failed: a conflict, or a limit.
    Evaluation {
        /// OPA's code, or ours for a limit.
        code: String,
        /// OPA's text.
        message: String,
    },
    /// The result is larger than the limit.
    Result {
        /// Bytes.
        given: usize,
        /// The limit.
        limit: usize,
    },
    /// The bundle has no program that tells which rules a decision rests on. Changes no decision.
    Untold,
    /// The program that tells decides otherwise than the one that decided. Changes no decision.
    ToldOtherwise,
    /// The machine failed in a way that it must not.
    Internal(String),
}

impl DecideError {
    /// Our stable code.
    pub fn code(&self) -> &str {
        match self {
            DecideError::Entrypoint { .. } => "govc_decide_entrypoint",
            DecideError::Handle => "govc_decide_handle",
            DecideError::Input { .. } => "govc_decide_input",
            DecideError::Serialize(_) => "govc_decide_serialize",
            DecideError::Unavailable { .. } => "govc_decide_unavailable",
            DecideError::Evaluation { code, .. } => code,
            DecideError::Result { .. } => "govc_decide_result",
            DecideError::Untold => "govc_decide_untold",
            DecideError::ToldOtherwise => "govc_decide_sources",
            DecideError::Internal(_) => "govc_decide_internal",
        }
    }
}

impl fmt::Display for DecideError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DecideError::Entrypoint { name } => write!(f, "the bundle has no entrypoint `{name}`"),
            DecideError::Handle => f.write_str("the entrypoint was resolved from another bundle"),
            DecideError::Input { message, offset } => {
                write!(f, "the input cannot be read at byte {offset}: {message}")
            }
            DecideError::Serialize(why) => write!(f, "the input cannot be written as JSON: {why}"),
            DecideError::Unavailable { builtin } => {
                write!(f, "the policy needs `{builtin}`, which this host does not have")
            }
            DecideError::Evaluation { message, .. } => f.write_str(message),
            DecideError::Result { given, limit } => {
                write!(f, "the result has {given} bytes, the limit is {limit}")
            }
            DecideError::Untold => f.write_str("the bundle has no program that tells which rules fired"),
            DecideError::ToldOtherwise => {
                f.write_str("the sources of the bundle decide otherwise than its program")
            }
            DecideError::Internal(why) => write!(f, "the machine failed: {why}"),
        }
    }
}

impl std::error::Error for DecideError {}

impl Serialize for DecideError {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("code", self.code())?;
        map.serialize_entry("message", &self.to_string())?;
        map.end()
    }
}

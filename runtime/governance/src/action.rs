//! One exact thing that somebody wants to do: what approvals and tickets are bound to.
//!
//! The surprising fact: parameters are compared by the digest of their canonical form (RFC 8785), so the order of members
//! and the spelling of `1.0` do not matter, and nothing else escapes.

use govc_audit::event::Digest;
use govc_engine::canonical_json;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fmt;

/// An action on a target with its parameters, under the policies that allowed it.
///
/// ```
/// use govc_governance::CanonicalAction;
/// use serde_json::json;
/// let bundle = "ab".repeat(32);
/// let one = CanonicalAction::new("restart", "prod/api", &json!({"grace": 1.0, "force": false}), &bundle)?;
/// let same = CanonicalAction::new("restart", "prod/api", &json!({"force": false, "grace": 1}), &bundle)?;
/// let other = CanonicalAction::new("restart", "prod/api", &json!({"force": true, "grace": 1}), &bundle)?;
/// assert!(one == same && one != other);
/// # Ok::<(), govc_governance::ActionError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CanonicalAction {
    /// What is done.
    pub action: String,
    /// What it is done to.
    pub target: String,
    /// SHA-256 of the parameters in canonical JSON.
    pub parameters: Digest,
    /// Digest of the bundle that allowed it.
    pub bundle: Digest,
}

/// Why something is no exact action.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ActionError {
    /// The parameters have no canonical form.
    Parameters(String),
    /// The digest of the bundle is none.
    Bundle(String),
    /// Action or target are empty.
    Empty,
}

impl ActionError {
    /// Our stable code.
    pub fn code(&self) -> &'static str {
        match self {
            ActionError::Parameters(_) => "govc_action_parameters",
            ActionError::Bundle(_) => "govc_action_bundle",
            ActionError::Empty => "govc_action_empty",
        }
    }
}

impl fmt::Display for ActionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ActionError::Parameters(why) => write!(f, "the parameters have no canonical form: {why}"),
            ActionError::Bundle(why) => write!(f, "the digest of the bundle: {why}"),
            ActionError::Empty => f.write_str("action and target must be named"),
        }
    }
}

impl std::error::Error for ActionError {}

impl CanonicalAction {
    /// An action under the bundle of a digest (64 hex digits).
    ///
    /// # Errors
    /// When a part is missing or has no canonical form.
    pub fn new(action: &str, target: &str, parameters: &Value, bundle: &str) -> Result<Self, ActionError> {
        if action.trim().is_empty() || target.trim().is_empty() {
            return Err(ActionError::Empty);
        }
        let canonical = canonical_json(parameters.to_string().as_bytes())
            .map_err(|error| ActionError::Parameters(error.to_string()))?;
        let bundle =
            Digest::try_from(bundle.to_owned()).map_err(|error| ActionError::Bundle(error.to_string()))?;
        Ok(Self {
            action: action.to_owned(),
            target: target.to_owned(),
            parameters: Digest::of(&canonical),
            bundle,
        })
    }

    /// The digest of all of it.
    pub fn digest(&self) -> Digest {
        let Self { action, target, parameters, bundle } = self;
        Digest::of(json!([action, target, parameters, bundle]).to_string().as_bytes())
    }
}

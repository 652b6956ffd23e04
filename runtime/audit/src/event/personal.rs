//! Values that may have to be erased.
//!
//! The surprising fact: once sealed, the log holds a hash over a random salt and the value and not the value. Who
//! erases salt and value leaves a hash that tells nothing, and every proof still holds.

use super::text::Digest;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A value as it is, or the commitment to one that is kept elsewhere.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Personal {
    /// The value itself.
    Value(Value),
    /// The commitment to a value, see [`crate::erase`].
    Commitment(Digest),
}

impl Personal {
    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Value(Value::String(text.into()))
    }

    /// The value, where it is here.
    pub fn value(&self) -> Option<&Value> {
        match self {
            Personal::Value(value) => Some(value),
            Personal::Commitment(_) => None,
        }
    }

    /// The text, where it is one and here.
    pub fn as_text(&self) -> Option<&str> {
        self.value().and_then(Value::as_str)
    }
}

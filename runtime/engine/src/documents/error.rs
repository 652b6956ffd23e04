//! Errors of the store, with OPA's codes and texts.

use super::step;
use std::fmt;

/// Why a document cannot be read or changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreError {
    code: &'static str,
    message: String,
}

const NOT_FOUND: &str = "storage_not_found_error";
const WRITE_CONFLICT: &str = "storage_write_conflict_error";
const INVALID_PATCH: &str = "storage_invalid_patch_error";

impl StoreError {
    /// OPA's code.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// Nothing stands at the path.
    pub fn missing() -> Self {
        Self::not_found("document does not exist")
    }

    /// What was named is not there.
    pub fn not_found(message: &str) -> Self {
        Self { code: NOT_FOUND, message: message.to_owned() }
    }

    /// Something that is no object stands where one is needed.
    pub fn write_conflict(path: &[String]) -> Self {
        Self { code: WRITE_CONFLICT, message: step::shown(path) }
    }

    /// The write itself is wrong.
    pub fn patch(message: &str) -> Self {
        Self { code: INVALID_PATCH, message: message.to_owned() }
    }

    /// Whether what was named is not there.
    pub fn is_missing(&self) -> bool {
        self.code == NOT_FOUND
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for StoreError {}

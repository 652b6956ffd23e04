//! Errors of the store, with OPA's codes and texts.

use super::document::path_text;
use std::fmt;

/// Why a document cannot be read or changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoreError {
    /// OPA's code.
    pub(crate) code: &'static str,
    message: String,
}

const NOT_FOUND: &str = "storage_not_found_error";
const WRITE_CONFLICT: &str = "storage_write_conflict_error";
const INVALID_PATCH: &str = "storage_invalid_patch_error";

impl StoreError {
    /// Nothing stands at the path.
    pub(crate) fn missing() -> Self {
        Self::not_found("document does not exist")
    }

    /// What was named is not there.
    pub(crate) fn not_found(message: &str) -> Self {
        Self { code: NOT_FOUND, message: message.to_owned() }
    }

    /// Something that is no object stands where one is needed.
    pub(crate) fn write_conflict(path: &[String]) -> Self {
        Self { code: WRITE_CONFLICT, message: path_text(path) }
    }

    /// The write itself is wrong.
    pub(crate) fn patch(message: &str) -> Self {
        Self { code: INVALID_PATCH, message: message.to_owned() }
    }

    /// Whether what was named is not there.
    pub(crate) fn is_missing(&self) -> bool {
        self.code == NOT_FOUND
    }

    /// HTTP status and code of the answer.
    pub(crate) fn answer(&self) -> (u16, &'static str) {
        match self.code {
            NOT_FOUND => (404, "resource_not_found"),
            WRITE_CONFLICT => (404, "resource_conflict"),
            INVALID_PATCH => (400, "invalid_parameter"),
            _ => (500, "internal_error"),
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for StoreError {}

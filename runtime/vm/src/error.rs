//! What can go wrong when a program is loaded or run.

use govc_bytecode::VerifyError;
use std::fmt;

/// Why a program cannot be run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoadError {
    /// The program breaks a rule of the format.
    Verify(VerifyError),
    /// A number literal is beyond the range that OPA reads.
    Number {
        /// The text of the literal.
        text: String,
    },
    /// A base document is no JSON.
    Data {
        /// Where it was to be put.
        path: Vec<String>,
        /// Why it is refused.
        error: govc_value::json::Error,
    },
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoadError::Verify(e) => write!(f, "program is refused: {e}"),
            LoadError::Number { text } => write!(f, "number `{text}` is out of range"),
            LoadError::Data { path, error } => write!(f, "data at `{}`: {error}", path.join("/")),
        }
    }
}

impl std::error::Error for LoadError {}

impl From<VerifyError> for LoadError {
    fn from(e: VerifyError) -> Self {
        LoadError::Verify(e)
    }
}

/// An error that ends a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvalError {
    /// OPA's code (`eval_conflict_error`, ...) or ours for limits: `govc_limit_fuel`, `govc_limit_time`,
    /// `govc_limit_memory`, `govc_limit_depth`; `govc_not_yet` for a builtin that nobody performs.
    pub code: &'static str,
    /// OPA's text.
    pub message: String,
    /// File name, row and column.
    pub location: Option<(String, u32, u32)>,
}

impl fmt::Display for EvalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((file, row, _)) = &self.location {
            write!(f, "{file}:{row}: ")?;
        }
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for EvalError {}

/// OPA's code for two values where there can be one.
pub(crate) const CONFLICT: &str = "eval_conflict_error";

/// OPA's codes for errors of what a document is made of, which matter only to those who ask for that part of it; limits
/// and interruptions end all.
pub(crate) const OF_DOCUMENTS: [&str; 3] = [CONFLICT, "eval_builtin_error", "eval_type_error"];

/// A result whose error is kept small, because it is returned from the hot loop.
pub(crate) type Evaluated<T> = Result<T, Box<EvalError>>;

/// An error without a position.
pub(crate) fn error(code: &'static str, message: impl Into<String>) -> Box<EvalError> {
    Box::new(EvalError { code, message: message.into(), location: None })
}

//! JSON: a strict reader straight into the arena, and writers.
//!
//! The surprising fact: neither recurses, so the depth limit guards those who walk the values later, not
//! this file's stack.

mod read;
mod write;

pub use read::{intern, read};
pub use write::{Style, to_string, write, write_canonical, write_pretty, write_string, write_styled};

use std::fmt;

/// Bounds on a JSON text.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of the whole text.
    pub bytes: usize,
    /// Nesting of arrays and objects.
    pub depth: u32,
    /// Bytes of one string.
    pub string: usize,
}

impl Default for Limits {
    /// 1 GiB, 1,000 levels (OPA: 10,000; no stack of whoever walks the value may overflow), 100 MiB a string.
    fn default() -> Self {
        Self { bytes: 1 << 30, depth: 1_000, string: 100 << 20 }
    }
}

/// Why a text is refused, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// What is wrong.
    pub kind: ErrorKind,
    /// The byte at which it was seen.
    pub offset: usize,
}

/// The kinds of refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Not JSON: what was expected there.
    Syntax(&'static str),
    /// Not UTF-8.
    Utf8,
    /// A `\u` escape that is half of a pair.
    Surrogate,
    /// A number whose exponent OPA does not read.
    NumberRange,
    /// Deeper than the limit.
    Depth {
        /// The limit.
        limit: u32,
    },
    /// Longer than the limit.
    Size {
        /// The length of the text or string.
        given: usize,
        /// The limit.
        limit: usize,
    },
    /// The values do not fit the arena.
    Memory {
        /// The arena's limit in bytes.
        limit: usize,
    },
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ErrorKind::Syntax(expected) => write!(f, "expected {expected}"),
            ErrorKind::Utf8 => f.write_str("text is not UTF-8"),
            ErrorKind::Surrogate => f.write_str("escape is half of a surrogate pair"),
            ErrorKind::NumberRange => f.write_str("number too big"),
            ErrorKind::Depth { limit } => write!(f, "nested deeper than {limit} levels"),
            ErrorKind::Size { given, limit } => {
                write!(f, "length of {given} bytes is beyond the limit of {limit}")
            }
            ErrorKind::Memory { limit } => write!(f, "values need more than the {limit} bytes of the arena"),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid JSON at byte {}: {}", self.offset, self.kind)
    }
}

impl std::error::Error for Error {}

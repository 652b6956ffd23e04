//! JSON: a strict reader straight into the arena, and writers.

use crate::{FrozenBuilder, Heap, Value};

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
    fn default() -> Self {
        Self { bytes: 1 << 30, depth: 10_000, string: 100 << 20 }
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
}

/// Reads one JSON text. Of duplicate keys the last wins, as in OPA.
///
/// # Errors
/// When the text is not exactly one JSON value within the limits.
pub fn read<'q>(_heap: Heap<'q>, _text: &[u8], _limits: &Limits) -> Result<Value<'q>, Error> {
    todo!()
}

/// Gives every key and every short string of a JSON text a symbol.
///
/// # Errors
/// As [`read`].
pub fn intern(_builder: &mut FrozenBuilder, _text: &[u8], _limits: &Limits) -> Result<(), Error> {
    todo!()
}

/// Appends compact JSON as OPA prints it: sets as arrays, keys that are no strings as their JSON text, no HTML escapes.
pub fn write(_value: Value<'_>, _out: &mut Vec<u8>) {
    todo!()
}

/// Compact JSON as text.
pub fn to_string(_value: Value<'_>) -> String {
    todo!()
}

/// Indented by two spaces, as `opa eval` prints.
pub fn write_pretty(_value: Value<'_>, _out: &mut Vec<u8>) {
    todo!()
}

/// RFC 8785 canonical JSON.
pub fn write_canonical(_value: Value<'_>, _out: &mut Vec<u8>) {
    todo!()
}

//! Texts of a fixed form: digests, trace ids, times.

use crate::merkle::sha256;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A text that does not have the form that its field asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextError {
    text: String,
    wanted: &'static str,
}

impl fmt::Display for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not {}", self.text, self.wanted)
    }
}

impl std::error::Error for TextError {}

/// SHA-256 as 64 lower-case hex digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest(String);

/// A trace id of W3C Trace Context: 32 lower-case hex digits, not all zero.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TraceId(String);

/// A time as RFC 3339 in UTC, with `Z` and up to nine digits of a second.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Time(String);

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn random() -> [u8; 16] {
    let mut bytes = [0; 16];
    // The library's generator fails only where the system has none; an id of the time is better than none.
    if aws_lc_rs::rand::fill(&mut bytes).is_err() {
        bytes = jiff::Timestamp::now().as_nanosecond().to_be_bytes();
    }
    bytes
}

/// An id that nobody else has: 32 hex digits.
pub fn random_id() -> String {
    hex(&random())
}

impl Digest {
    /// The digest of bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(hex(&sha256(bytes)))
    }

    /// A hash of the tree in digits.
    pub fn from_hash(hash: &crate::merkle::Hash) -> Self {
        Self(hex(hash))
    }

    /// Its digits.
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl TraceId {
    /// A new one.
    pub fn made() -> Self {
        Self(random_id())
    }

    /// The trace of a `traceparent` header; none when the header is not one.
    pub fn of_traceparent(header: &str) -> Option<Self> {
        let mut parts = header.trim().split('-');
        let (version, trace) = (parts.next()?, parts.next()?);
        let (span, flags) = (parts.next()?, parts.next()?);
        let formed = is_hex(version, 2) && version != "ff" && is_hex(span, 16) && is_hex(flags, 2);
        if formed { Self::try_from(trace.to_owned()).ok() } else { None }
    }

    /// Its digits.
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl Time {
    /// Now, to the microsecond.
    pub fn now() -> Self {
        Self(format!("{:.6}", jiff::Timestamp::now()))
    }

    /// Its text.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// Milliseconds since 1970.
    pub fn milliseconds(&self) -> i64 {
        self.0.parse::<jiff::Timestamp>().map_or(0, jiff::Timestamp::as_millisecond)
    }
}

impl TryFrom<String> for Digest {
    type Error = TextError;

    fn try_from(text: String) -> Result<Self, TextError> {
        if is_hex(&text, 64) { Ok(Self(text)) } else { Err(TextError { text, wanted: "a SHA-256 in hex" }) }
    }
}

impl TryFrom<String> for TraceId {
    type Error = TextError;

    fn try_from(text: String) -> Result<Self, TextError> {
        let good = is_hex(&text, 32) && text.bytes().any(|byte| byte != b'0');
        if good { Ok(Self(text)) } else { Err(TextError { text, wanted: "a trace id" }) }
    }
}

impl TryFrom<String> for Time {
    type Error = TextError;

    fn try_from(text: String) -> Result<Self, TextError> {
        let bytes = text.as_bytes();
        let shaped =
            bytes.get(10) == Some(&b'T') && bytes.get(16) == Some(&b':') && bytes.last() == Some(&b'Z');
        let good = shaped && text.parse::<jiff::Timestamp>().is_ok();
        if good {
            Ok(Self(text))
        } else {
            Err(TextError { text, wanted: "a time in UTC as RFC 3339 has it" })
        }
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.0
    }
}

impl From<TraceId> for String {
    fn from(trace: TraceId) -> Self {
        trace.0
    }
}

impl From<Time> for String {
    fn from(time: Time) -> Self {
        time.0
    }
}

//! The `format` keyword.
//!
//! The one surprising fact: a format that is not known here holds, as does every format for values
//! that are no strings.

use crate::go::{layout, url};
use regex::Regex;
use std::net::IpAddr;
use std::sync::LazyLock;

macro_rules! shape {
    ($name:ident, $pattern:literal) => {
        static $name: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new($pattern).ok());
    };
}

shape!(
    HOSTNAME,
    r"^([a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9\-]{0,61}[a-zA-Z0-9])(\.([a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9\-]{0,61}[a-zA-Z0-9]))*$"
);
shape!(UUID, r"^(?i)[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}$");
shape!(POINTER, r"^(?:/(?:[^~/]|~0|~1)*)*$");
shape!(RELATIVE_POINTER, r"^(?:0|[1-9][0-9]*)(?:#|(?:/(?:[^~/]|~0|~1)*)*)$");
shape!(EMAIL, r"^[^\s@<>()\[\],;:]+@[^\s@<>(),;:]+$");

fn matches(shape: &LazyLock<Option<Regex>>, text: &str) -> bool {
    shape.as_ref().is_some_and(|regex| regex.is_match(text))
}

fn time(shapes: &[&str], text: &str) -> bool {
    shapes.iter().any(|shape| layout::parse(shape, text).is_ok())
}

/// Is a text of a format?
pub(super) fn holds(format: &str, text: &str) -> bool {
    match format {
        "date" => time(&["2006-01-02"], text),
        "time" => time(&["15:04:05", "15:04:05Z07:00"], text),
        "date-time" => time(&["15:04:05", "15:04:05Z07:00", "2006-01-02", layout::RFC3339], text),
        "hostname" => text.len() < 256 && matches(&HOSTNAME, text),
        "email" | "idn-email" => matches(&EMAIL, text),
        "ipv4" => matches!(text.parse(), Ok(IpAddr::V4(_))),
        "ipv6" => matches!(text.parse(), Ok(IpAddr::V6(_))),
        "uri" | "iri" => url::parse(text).is_ok_and(|u| !u.scheme.is_empty()) && !text.contains('\\'),
        "uri-reference" | "iri-reference" => url::parse(text).is_ok() && !text.contains('\\'),
        "uuid" => matches(&UUID, text),
        "regex" => text.is_empty() || crate::patterns::is_valid(text),
        "json-pointer" => matches(&POINTER, text),
        "relative-json-pointer" => matches(&RELATIVE_POINTER, text),
        _ => true,
    }
}

//! Keeps secrets out of the log.
//!
//! The surprising fact: a log that cannot be changed keeps a leaked password for ever. So every text on its way
//! into the log is looked at, whatever field it stands in, and so is the name of the member that it stands under.

use super::text::Digest;
use serde_json::Value;

/// Members whose text is a secret by their name.
const NAMES: [&str; 14] = [
    "password",
    "passwd",
    "secret",
    "client_secret",
    "token",
    "access_token",
    "refresh_token",
    "id_token",
    "api_key",
    "apikey",
    "authorization",
    "private_key",
    "credential",
    "credentials",
];

/// What words of secrets begin with, and the shortest that such a word is.
const PREFIXES: [(&str, usize); 10] = [
    ("AKIA", 20),
    ("ASIA", 20),
    ("ghp_", 36),
    ("gho_", 36),
    ("github_pat_", 40),
    ("xoxb-", 20),
    ("xoxp-", 20),
    ("sk-", 24),
    ("hvs.", 24),
    ("glpat-", 20),
];

/// Replaces secrets by marks. A token leaves eight digits of its digest, so that two can be told apart.
pub(super) fn scrub(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Some(clean) = without_secrets(text) {
                *text = clean;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(scrub),
        Value::Object(members) => members.iter_mut().for_each(|(name, value)| member(name, value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn member(name: &str, value: &mut Value) {
    let plain: String = name.to_ascii_lowercase().replace('-', "_");
    match value {
        Value::String(text) if NAMES.contains(&plain.as_str()) && !text.starts_with("[redacted") => {
            *text = mark("secret", text);
        }
        value => scrub(value),
    }
}

fn mark(what: &str, secret: &str) -> String {
    let digest = Digest::of(secret.as_bytes());
    format!("[redacted {what} {}]", digest.text().get(..8).unwrap_or_default())
}

/// The text without its secrets; nothing when it has none.
fn without_secrets(text: &str) -> Option<String> {
    if let Some(at) = text.find("-----BEGIN ").filter(|at| text.get(*at..).is_some_and(is_private_pem)) {
        let (before, pem) = text.split_at(at);
        return Some(format!("{before}{}", mark("key", pem)));
    }
    let is_break = |c: char| {
        c.is_whitespace() || matches!(c, '"' | '\'' | ',' | ';' | '=' | '&' | '<' | '>' | '(' | ')')
    };
    let mut clean = String::new();
    let mut found = false;
    for piece in text.split_inclusive(is_break) {
        let word = piece.trim_end_matches(is_break);
        let rest = piece.get(word.len()..).unwrap_or_default();
        if is_secret(word) {
            found = true;
            clean.push_str(&mark("token", word));
        } else {
            clean.push_str(word);
        }
        clean.push_str(rest);
    }
    found.then_some(clean)
}

fn is_private_pem(text: &str) -> bool {
    text.lines().next().is_some_and(|line| line.contains("PRIVATE KEY"))
}

fn is_secret(word: &str) -> bool {
    is_token(word) || PREFIXES.iter().any(|(prefix, least)| word.starts_with(prefix) && word.len() >= *least)
}

/// A JWT: three parts in base64url, of which the first begins like JSON.
fn is_token(word: &str) -> bool {
    let parts: Vec<&str> = word.split('.').collect();
    let base64url = |part: &&str| part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    parts.len() == 3
        && parts[0].starts_with("eyJ")
        && parts[1].starts_with("eyJ")
        && parts.iter().all(base64url)
}

//! Semantic versions.
//!
//! The one surprising fact: a leading `v` is allowed, and so are leading zeros.

use crate::go::quote;
use crate::operand::{arg, failed, string};
use crate::{Answer, Builtin, Context};
use govc_value::Value;
use std::cmp::Ordering;

pub(crate) const TABLE: &[Builtin] = &[
    Builtin::new(
        "semver.compare",
        &[("a", "string"), ("b", "string")],
        Some("number"),
        "Order of two semantic versions: -1, 0 or 1.",
    )
    .calls(semver_compare),
    Builtin::new(
        "semver.is_valid",
        &[("vsn", "any")],
        Some("boolean"),
        "Tells whether a value is a semantic version.",
    )
    .calls(semver_is_valid),
];

struct Version<'t> {
    numbers: [i64; 3],
    pre_release: &'t str,
}

fn identifiers(text: &str) -> bool {
    text.is_empty()
        || text
            .split('.')
            .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'))
}

fn parse(text: &str) -> Option<Version<'_>> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let (text, metadata) = text.split_once('+').unwrap_or((text, ""));
    let (text, pre_release) = text.split_once('-').unwrap_or((text, ""));
    if !identifiers(metadata) || !identifiers(pre_release) {
        return None;
    }
    let numbers: Vec<i64> = text.split('.').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    Some(Version { numbers: numbers.try_into().ok()?, pre_release })
}

fn compare(a: &Version<'_>, b: &Version<'_>) -> Ordering {
    a.numbers.cmp(&b.numbers).then_with(|| match (a.pre_release, b.pre_release) {
        (a, b) if a == b => Ordering::Equal,
        ("", _) => Ordering::Greater,
        (_, "") => Ordering::Less,
        (a, b) => pre_releases(a, b),
    })
}

fn pre_releases(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.split('.'), b.split('.'));
    loop {
        let order = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(a), Some(b)) => parts(a, b),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// Numbers come before words; numbers that are too big are all the same.
fn parts(a: &str, b: &str) -> Ordering {
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| text.parse::<i64>().unwrap_or(i64::MAX))
    };
    match (number(a), number(b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => a.cmp(b),
    }
}

fn semver_compare<'q>(_: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let (a, b) = (string(arg(args, 0), 1)?, string(arg(args, 1), 2)?);
    match (parse(a), parse(b)) {
        (None, _) => failed(format!("operand 1: string {} is not a valid SemVer", quote(a))),
        (_, None) => failed(format!("operand 2: string {} is not a valid SemVer", quote(b))),
        (Some(a), Some(b)) => Ok(Value::int(match compare(&a, &b) {
            Ordering::Less => -1,
            Ordering::Equal => 0,
            Ordering::Greater => 1,
        })),
    }
}

fn semver_is_valid<'q>(_: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    Ok(Value::bool(arg(args, 0).as_str().is_some_and(|text| parse(text).is_some())))
}

//! STUB semver.

use crate::Builtin;
use crate::decl::not_yet;

pub(crate) const TABLE: &[Builtin] = &[
    Builtin::new(
        "semver.compare",
        &[("a", "string"), ("b", "string")],
        Some("number"),
        "Order of two semantic versions: -1, 0 or 1.",
    )
    .calls(not_yet!("semver.compare")),
    Builtin::new(
        "semver.is_valid",
        &[("vsn", "any")],
        Some("boolean"),
        "Tells whether a value is a semantic version.",
    )
    .calls(not_yet!("semver.is_valid")),
];

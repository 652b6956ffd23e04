//! STUB glob.

use crate::Builtin;
use crate::decl::not_yet;

pub(crate) const TABLE: &[Builtin] = &[
    Builtin::new(
        "glob.match",
        &[("pattern", "string"), ("delimiters", "any<null, array[string]>"), ("match", "string")],
        Some("boolean"),
        "Tells whether a text matches a glob.",
    )
    .calls(not_yet!("glob.match")),
    Builtin::new(
        "glob.quote_meta",
        &[("pattern", "string")],
        Some("string"),
        "Glob that matches exactly the given text.",
    )
    .calls(not_yet!("glob.quote_meta")),
];

pub(crate) struct Glob;

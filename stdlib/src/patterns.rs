//! STUB regex.

use crate::Builtin;
use crate::decl::not_yet;

pub(crate) const TABLE: &[Builtin] = &[
    Builtin::new(
        "re_match",
        &[("x", "string"), ("y", "string")],
        Some("boolean"),
        "Tells whether a text matches a regular expression.",
    )
    .deprecated()
    .calls(not_yet!("re_match")),
    Builtin::new(
        "regex.match",
        &[("pattern", "string"), ("value", "string")],
        Some("boolean"),
        "Tells whether a text matches a regular expression.",
    )
    .calls(not_yet!("regex.match")),
    Builtin::new(
        "regex.is_valid",
        &[("pattern", "string")],
        Some("boolean"),
        "Tells whether a string is a regular expression.",
    )
    .calls(not_yet!("regex.is_valid")),
    Builtin::new(
        "regex.find_n",
        &[("pattern", "string"), ("value", "string"), ("number", "number")],
        Some("array[string]"),
        "First `n` matches in a text, or all for -1.",
    )
    .calls(not_yet!("regex.find_n")),
    Builtin::new(
        "regex.find_all_string_submatch_n",
        &[("pattern", "string"), ("value", "string"), ("number", "number")],
        Some("array[array[string]]"),
        "First `n` matches with their groups, or all for -1.",
    )
    .calls(not_yet!("regex.find_all_string_submatch_n")),
    Builtin::new(
        "regex.globs_match",
        &[("glob1", "string"), ("glob2", "string")],
        Some("boolean"),
        "Tells whether the languages of two globs have a text in common.",
    )
    .calls(not_yet!("regex.globs_match")),
    Builtin::new(
        "regex.replace",
        &[("s", "string"), ("pattern", "string"), ("value", "string")],
        Some("string"),
        "Text with every match replaced by a template.",
    )
    .calls(not_yet!("regex.replace")),
    Builtin::new(
        "regex.split",
        &[("pattern", "string"), ("value", "string")],
        Some("array[string]"),
        "Parts of a text between matches.",
    )
    .calls(not_yet!("regex.split")),
    Builtin::new(
        "regex.template_match",
        &[
            ("template", "string"),
            ("value", "string"),
            ("delimiter_start", "string"),
            ("delimiter_end", "string"),
        ],
        Some("boolean"),
        "Tells whether a text matches a template with expressions between delimiters.",
    )
    .calls(not_yet!("regex.template_match")),
];

//! STUB internal.

use crate::Builtin;
use crate::decl::not_yet;

pub(crate) const TABLE: &[Builtin] = &[
    Builtin::new("print", &[("values", "any...")], None, "Prints values; replaced by the compiler."),
    Builtin::new(
        "internal.print",
        &[("x", "array[set[any]]")],
        None,
        "Prints values; what is undefined shows as `<undefined>`.",
    )
    .calls(not_yet!("internal.print")),
    Builtin::new(
        "internal.template_string",
        &[("x", "array[any]")],
        Some("string"),
        "Text of a template string.",
    )
    .calls(not_yet!("internal.template_string")),
    Builtin::new(
        "internal.test_case",
        &[("x", "array[any]")],
        None,
        "Marks a case of a test; replaced by the test runner.",
    ),
    Builtin::new("trace", &[("note", "string")], Some("boolean"), "Adds a note to the trace of the query.")
        .calls(not_yet!("trace")),
    Builtin::new("opa.runtime", &[], Some("object[string: any]"), "Facts about the running host.")
        .nondeterministic(),
    Builtin::new(
        "rego.metadata.chain",
        &[],
        Some("array[any]"),
        "Annotations from the rule up to its package; replaced by the compiler.",
    ),
    Builtin::new(
        "rego.metadata.rule",
        &[],
        Some("any"),
        "Annotations of the rule; replaced by the compiler.",
    ),
    Builtin::new(
        "rego.parse_module",
        &[("filename", "string"), ("rego", "string")],
        Some("object[string: any]"),
        "Syntax tree of a module; performed by a host that has a parser.",
    ),
    Builtin::new(
        "http.send",
        &[("request", "object[string: any]")],
        Some("object[any: any]"),
        "Response to an HTTP request; performed by the host.",
    )
    .nondeterministic(),
];

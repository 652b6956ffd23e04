//! STUB schema.

use crate::Builtin;
use crate::decl::not_yet;

pub(crate) const TABLE: &[Builtin] = &[
    Builtin::new(
        "json.match_schema",
        &[("document", "any<string, object[any: any]>"), ("schema", "any<string, object[any: any]>")],
        Some("array<boolean, array[object<desc: string, error: string, field: string, type: string>]>"),
        "Tells whether a document conforms to a JSON schema, with the faults.",
    )
    .calls(not_yet!("json.match_schema")),
    Builtin::new(
        "json.verify_schema",
        &[("schema", "any<string, object[any: any]>")],
        Some("array<boolean, any<null, string>>"),
        "Tells whether a document is a JSON schema.",
    )
    .calls(not_yet!("json.verify_schema")),
];

pub(crate) struct Compiled;

//! STUB graphql.

use crate::Builtin;
use crate::decl::not_yet;

pub(crate) const TABLE: &[Builtin] = &[
    Builtin::new(
        "graphql.is_valid",
        &[("query", "any<string, object[any: any]>"), ("schema", "any<string, object[any: any]>")],
        Some("boolean"),
        "Tells whether a query is valid under a schema.",
    )
    .calls(not_yet!("graphql.is_valid")),
    Builtin::new(
        "graphql.parse",
        &[("query", "any<string, object[any: any]>"), ("schema", "any<string, object[any: any]>")],
        Some("array<object[any: any], object[any: any]>"),
        "Syntax trees of a query and schema.",
    )
    .calls(not_yet!("graphql.parse")),
    Builtin::new(
        "graphql.parse_and_verify",
        &[("query", "any<string, object[any: any]>"), ("schema", "any<string, object[any: any]>")],
        Some("array<boolean, object[any: any], object[any: any]>"),
        "Syntax trees of a query and schema, and whether the query is valid.",
    )
    .calls(not_yet!("graphql.parse_and_verify")),
    Builtin::new(
        "graphql.parse_query",
        &[("query", "string")],
        Some("object[any: any]"),
        "Syntax tree of a query.",
    )
    .calls(not_yet!("graphql.parse_query")),
    Builtin::new(
        "graphql.parse_schema",
        &[("schema", "string")],
        Some("object[any: any]"),
        "Syntax tree of a schema.",
    )
    .calls(not_yet!("graphql.parse_schema")),
    Builtin::new(
        "graphql.schema_is_valid",
        &[("schema", "any<string, object[any: any]>")],
        Some("boolean"),
        "Tells whether a schema is valid.",
    )
    .calls(not_yet!("graphql.schema_is_valid")),
];

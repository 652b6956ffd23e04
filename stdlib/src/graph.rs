//! STUB graph.

use crate::Builtin;
use crate::decl::not_yet;

pub(crate) const TABLE: &[Builtin] = &[
    Builtin::new(
        "graph.reachable",
        &[("graph", "object[any: any<array[any], set[any]>]"), ("initial", "any<array[any], set[any]>")],
        Some("set[any]"),
        "Vertices that can be reached from the given ones.",
    )
    .calls(not_yet!("graph.reachable")),
    Builtin::new(
        "graph.reachable_paths",
        &[("graph", "object[any: any<array[any], set[any]>]"), ("initial", "any<array[any], set[any]>")],
        Some("set[array[any]]"),
        "Paths from the given vertices to where they end.",
    )
    .calls(not_yet!("graph.reachable_paths")),
    Builtin::new(
        "walk",
        &[("x", "any")],
        Some("array<array[any], any>"),
        "Path and value of every part of a document.",
    )
    .relation()
    .calls(not_yet!("walk")),
];

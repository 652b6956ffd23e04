//! STUB uuid.

use crate::Builtin;
use crate::decl::not_yet;

pub(crate) const TABLE: &[Builtin] = &[
    Builtin::new(
        "uuid.parse",
        &[("uuid", "string")],
        Some("object[string: any]"),
        "Version, variant and other parts of a UUID.",
    )
    .calls(not_yet!("uuid.parse")),
    Builtin::new(
        "uuid.rfc4122",
        &[("k", "string")],
        Some("string"),
        "Random UUID, the same within a query for the same key.",
    )
    .nondeterministic(),
];

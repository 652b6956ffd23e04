//! STUB units.

use crate::Builtin;
use crate::decl::not_yet;

pub(crate) const TABLE: &[Builtin] = &[
    Builtin::new(
        "units.parse",
        &[("x", "string")],
        Some("number"),
        "Number of a quantity such as `10K` or `100m`.",
    )
    .calls(not_yet!("units.parse")),
    Builtin::new(
        "units.parse_bytes",
        &[("x", "string")],
        Some("number"),
        "Number of bytes of a size such as `10KiB`.",
    )
    .calls(not_yet!("units.parse_bytes")),
];

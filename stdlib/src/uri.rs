//! STUB uri.

use crate::Builtin;
use crate::decl::not_yet;

pub(crate) const TABLE: &[Builtin] = &[
    Builtin::new("uri.is_valid", &[("uri", "string")], Some("boolean"), "Tells whether a string is a URI.")
        .calls(not_yet!("uri.is_valid")),
    Builtin::new("uri.parse", &[("uri", "string")], Some("object[string: string]"), "Parts of a URI.")
        .calls(not_yet!("uri.parse")),
];

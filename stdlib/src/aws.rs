//! STUB aws.

use crate::Builtin;
use crate::decl::not_yet;

pub(crate) const TABLE: &[Builtin] = &[Builtin::new(
    "providers.aws.sign_req",
    &[("request", "object[string: any]"), ("aws_config", "object[string: any]"), ("time_ns", "number")],
    Some("object[any: any]"),
    "Signs an HTTP request for AWS, version 4.",
)
.calls(not_yet!("providers.aws.sign_req"))];

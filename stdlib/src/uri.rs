//! URIs.
//!
//! The one surprising fact: almost every text is a URI; only what Go's parser refuses is not.

use crate::go::url;
use crate::operand::{arg, string};
use crate::{Answer, Builtin, BuiltinError, Context};
use govc_value::Value;

pub(crate) const TABLE: &[Builtin] = &[
    Builtin::new("uri.is_valid", &[("uri", "string")], Some("boolean"), "Tells whether a string is a URI.")
        .calls(uri_is_valid),
    Builtin::new("uri.parse", &[("uri", "string")], Some("object[string: string]"), "Parts of a URI.")
        .calls(uri_parse),
];

fn uri_is_valid<'q>(_: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let text = arg(args, 0).as_str();
    Ok(Value::bool(text.is_some_and(|text| !text.is_empty() && url::parse(text).is_ok())))
}

fn uri_parse<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let heap = context.heap;
    let url = url::parse(string(arg(args, 0), 1)?).map_err(BuiltinError::Failed)?;
    let raw_path = if url.raw_path.is_empty() { &url.path } else { &url.raw_path };
    let parts = [
        ("scheme", url.scheme.as_str()),
        ("hostname", url.hostname()),
        ("port", url.port()),
        ("path", &url.path),
        ("raw_path", raw_path),
        ("raw_query", &url.raw_query),
        ("fragment", &url.fragment),
    ];
    let mut entries: Vec<_> = parts
        .iter()
        .filter(|(_, text)| !text.is_empty())
        .map(|(name, text)| (heap.string(name), heap.string(text)))
        .collect();
    Ok(heap.object(&mut entries))
}

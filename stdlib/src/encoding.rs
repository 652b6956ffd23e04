//! STUB encoding.

use crate::Builtin;
use crate::decl::not_yet;

pub(crate) const TABLE: &[Builtin] = &[
    Builtin::new("base64.decode", &[("x", "string")], Some("string"), "Text of a base64 string.")
        .calls(not_yet!("base64.decode")),
    Builtin::new("base64.encode", &[("x", "string")], Some("string"), "Base64 form of a text.")
        .calls(not_yet!("base64.encode")),
    Builtin::new("base64.is_valid", &[("x", "string")], Some("boolean"), "Tells whether a string is base64.")
        .calls(not_yet!("base64.is_valid")),
    Builtin::new(
        "base64url.decode",
        &[("x", "string")],
        Some("string"),
        "Text of a URL-safe base64 string, padded or not.",
    )
    .calls(not_yet!("base64url.decode")),
    Builtin::new("base64url.encode", &[("x", "string")], Some("string"), "URL-safe base64 form of a text.")
        .calls(not_yet!("base64url.encode")),
    Builtin::new(
        "base64url.encode_no_pad",
        &[("x", "string")],
        Some("string"),
        "URL-safe base64 form of a text, without padding.",
    )
    .calls(not_yet!("base64url.encode_no_pad")),
    Builtin::new("hex.decode", &[("x", "string")], Some("string"), "Text of a hexadecimal string.")
        .calls(not_yet!("hex.decode")),
    Builtin::new("hex.encode", &[("x", "string")], Some("string"), "Hexadecimal form of a text.")
        .calls(not_yet!("hex.encode")),
    Builtin::new("urlquery.decode", &[("x", "string")], Some("string"), "Text of a query component.")
        .calls(not_yet!("urlquery.decode")),
    Builtin::new(
        "urlquery.decode_object",
        &[("x", "string")],
        Some("object[string: array[string]]"),
        "Names and values of a URL query.",
    )
    .calls(not_yet!("urlquery.decode_object")),
    Builtin::new("urlquery.encode", &[("x", "string")], Some("string"), "Query component for a text.")
        .calls(not_yet!("urlquery.encode")),
    Builtin::new(
        "urlquery.encode_object",
        &[("object", "object[string: any<string, array[string], set[string]>]")],
        Some("string"),
        "URL query for names and values.",
    )
    .calls(not_yet!("urlquery.encode_object")),
    Builtin::new("json.is_valid", &[("x", "string")], Some("boolean"), "Tells whether a string is JSON.")
        .calls(not_yet!("json.is_valid")),
    Builtin::new("json.marshal", &[("x", "any")], Some("string"), "JSON text of a value.")
        .calls(not_yet!("json.marshal")),
    Builtin::new(
        "json.marshal_with_options",
        &[("x", "any"), ("opts", "object<indent: string, prefix: string, pretty: boolean>[string: any]")],
        Some("string"),
        "JSON text of a value, indented as asked.",
    )
    .calls(not_yet!("json.marshal_with_options")),
    Builtin::new("json.unmarshal", &[("x", "string")], Some("any"), "Value of a JSON text.")
        .calls(not_yet!("json.unmarshal")),
    Builtin::new("yaml.is_valid", &[("x", "string")], Some("boolean"), "Tells whether a string is YAML.")
        .calls(not_yet!("yaml.is_valid")),
    Builtin::new("yaml.marshal", &[("x", "any")], Some("string"), "YAML text of a value.")
        .calls(not_yet!("yaml.marshal")),
    Builtin::new("yaml.unmarshal", &[("x", "string")], Some("any"), "Value of a YAML text.")
        .calls(not_yet!("yaml.unmarshal")),
];

pub(crate) fn quote_json(text: &str, out: &mut String) {
    out.push_str(&crate::go::quote(text));
}

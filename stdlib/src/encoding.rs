//! Texts in base64, hexadecimal, URL queries, JSON and YAML.
//!
//! The one surprising fact: `json.marshal` escapes `<`, `>` and `&`, which the JSON of a result does not.

pub(crate) mod base64;
mod json;
pub(crate) mod yaml;

pub(crate) use base64::{Alphabet, decode as base64_bytes, encode as base64_text};
pub(crate) use json::{marshal, quote as quote_json, unmarshal};

use crate::go::url;
use crate::operand::{arg, failed, kind_name, mismatch, object, operand, string};
use crate::{Answer, Builtin, BuiltinError, Context};
use govc_value::bytes::bytes_of;
use govc_value::{Value, View};
use std::collections::BTreeMap;

pub(crate) const TABLE: &[Builtin] = &[
    Builtin::new("base64.decode", &[("x", "string")], Some("string"), "Text of a base64 string.")
        .calls(base64_decode),
    Builtin::new("base64.encode", &[("x", "string")], Some("string"), "Base64 form of a text.")
        .calls(base64_encode),
    Builtin::new("base64.is_valid", &[("x", "string")], Some("boolean"), "Tells whether a string is base64.")
        .calls(base64_is_valid),
    Builtin::new(
        "base64url.decode",
        &[("x", "string")],
        Some("string"),
        "Text of a URL-safe base64 string, padded or not.",
    )
    .calls(base64url_decode),
    Builtin::new("base64url.encode", &[("x", "string")], Some("string"), "URL-safe base64 form of a text.")
        .calls(base64url_encode),
    Builtin::new(
        "base64url.encode_no_pad",
        &[("x", "string")],
        Some("string"),
        "URL-safe base64 form of a text, without padding.",
    )
    .calls(base64url_encode_no_pad),
    Builtin::new("hex.decode", &[("x", "string")], Some("string"), "Text of a hexadecimal string.")
        .calls(hex_decode),
    Builtin::new("hex.encode", &[("x", "string")], Some("string"), "Hexadecimal form of a text.")
        .calls(hex_encode),
    Builtin::new("urlquery.decode", &[("x", "string")], Some("string"), "Text of a query component.")
        .calls(urlquery_decode),
    Builtin::new(
        "urlquery.decode_object",
        &[("x", "string")],
        Some("object[string: array[string]]"),
        "Names and values of a URL query.",
    )
    .calls(urlquery_decode_object),
    Builtin::new("urlquery.encode", &[("x", "string")], Some("string"), "Query component for a text.")
        .calls(urlquery_encode),
    Builtin::new(
        "urlquery.encode_object",
        &[("object", "object[string: any<string, array[string], set[string]>]")],
        Some("string"),
        "URL query for names and values.",
    )
    .calls(urlquery_encode_object),
    Builtin::new("json.is_valid", &[("x", "string")], Some("boolean"), "Tells whether a string is JSON.")
        .calls(json_is_valid),
    Builtin::new("json.marshal", &[("x", "any")], Some("string"), "JSON text of a value.")
        .calls(json_marshal),
    Builtin::new(
        "json.marshal_with_options",
        &[("x", "any"), ("opts", "object<indent: string, prefix: string, pretty: boolean>[string: any]")],
        Some("string"),
        "JSON text of a value, indented as asked.",
    )
    .calls(json_marshal_with_options),
    Builtin::new("json.unmarshal", &[("x", "string")], Some("any"), "Value of a JSON text.")
        .calls(json_unmarshal),
    Builtin::new("yaml.is_valid", &[("x", "string")], Some("boolean"), "Tells whether a string is YAML.")
        .calls(yaml_is_valid),
    Builtin::new("yaml.marshal", &[("x", "any")], Some("string"), "YAML text of a value.")
        .calls(yaml_marshal),
    Builtin::new("yaml.unmarshal", &[("x", "string")], Some("any"), "Value of a YAML text.")
        .calls(yaml_unmarshal),
];

fn base64_encode<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    encode64(context, args, Alphabet::Standard, true)
}

fn base64url_encode<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    encode64(context, args, Alphabet::Url, true)
}

fn base64url_encode_no_pad<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    encode64(context, args, Alphabet::Url, false)
}

fn encode64<'q>(
    context: &mut Context<'_, 'q>,
    args: &[Value<'q>],
    alphabet: Alphabet,
    pad: bool,
) -> Answer<'q> {
    let text = string(arg(args, 0), 1)?;
    Ok(context.heap.string(&base64_text(&bytes_of(text), alphabet, pad)))
}

fn illegal(at: usize) -> BuiltinError {
    BuiltinError::Failed(format!("illegal base64 data at input byte {at}"))
}

fn base64_decode<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let text = string(arg(args, 0), 1)?;
    let bytes = base64_bytes(text.as_bytes(), Alphabet::Standard, true).map_err(illegal)?;
    Ok(context.heap.string_of_bytes(&bytes))
}

fn base64_is_valid<'q>(_: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let text = arg(args, 0).as_str();
    Ok(Value::bool(text.is_some_and(|t| base64_bytes(t.as_bytes(), Alphabet::Standard, true).is_ok())))
}

fn base64url_decode<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let mut text = string(arg(args, 0), 1)?.to_owned();
    if !text.ends_with('=') {
        match text.len() % 4 {
            0 => {}
            2 => text.push_str("=="),
            3 => text.push('='),
            _ => return failed(format!("illegal base64url string: {text}")),
        }
    }
    let bytes = base64_bytes(text.as_bytes(), Alphabet::Url, true).map_err(illegal)?;
    Ok(context.heap.string_of_bytes(&bytes))
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
    bytes.iter().flat_map(|b| [digit(b >> 4), digit(b & 15)]).collect()
}

fn hex_encode<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    Ok(context.heap.string(&hex(&bytes_of(string(arg(args, 0), 1)?))))
}

fn hex_decode<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let text = string(arg(args, 0), 1)?.as_bytes();
    let mut bytes = Vec::with_capacity(text.len() / 2);
    for pair in text.chunks(2) {
        let digits: Option<Vec<u32>> = pair.iter().map(|b| char::from(*b).to_digit(16)).collect();
        match digits.as_deref() {
            Some([high, low]) => bytes.push(u8::try_from(high * 16 + low).unwrap_or(0)),
            Some(_) => return failed("encoding/hex: odd length hex string"),
            None => return failed(invalid_hex(pair)),
        }
    }
    Ok(context.heap.string_of_bytes(&bytes))
}

fn invalid_hex(pair: &[u8]) -> String {
    let bad = pair.iter().copied().find(|b| !b.is_ascii_hexdigit()).unwrap_or(0);
    let shown = crate::go::quote_with(&char::from(bad).to_string(), '\'', false);
    let shown = if crate::go::is_printable(char::from(bad)) { format!(" {shown}") } else { String::new() };
    format!("encoding/hex: invalid byte: U+{bad:04X}{shown}")
}

fn urlquery_encode<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    Ok(context.heap.string(&url::query_escape(string(arg(args, 0), 1)?)))
}

fn urlquery_decode<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let bytes = url::unescape(string(arg(args, 0), 1)?, url::Part::Query).map_err(BuiltinError::Failed)?;
    Ok(context.heap.string_of_bytes(&bytes))
}

fn urlquery_encode_object<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let mut pairs: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (key, value) in object(arg(args, 0), 1)?.iter() {
        let values = match value.view() {
            View::String(text) => Some(vec![text]),
            View::Array(_) | View::Set(_) => crate::operand::string_list(value, 1).ok(),
            _ => None,
        };
        match values {
            Some(values) => pairs.insert(json::key_text(key), values),
            None => return operand(1, "values must be string, array[string], or set[string]"),
        };
    }
    let mut parts = Vec::new();
    for (name, values) in &pairs {
        let name = url::query_escape(name);
        parts.extend(values.iter().map(|value| format!("{name}={}", url::query_escape(value))));
    }
    Ok(context.heap.string(&parts.join("&")))
}

fn urlquery_decode_object<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let heap = context.heap;
    let pairs = url::parse_query(string(arg(args, 0), 1)?).map_err(BuiltinError::Failed)?;
    let mut names: BTreeMap<Vec<u8>, Vec<Value<'q>>> = BTreeMap::new();
    for (name, value) in pairs {
        names.entry(name).or_default().push(heap.string_of_bytes(&value));
    }
    let mut entries: Vec<_> =
        names.iter().map(|(name, values)| (heap.string_of_bytes(name), heap.array(values))).collect();
    Ok(heap.object(&mut entries))
}

fn json_marshal<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    Ok(context.heap.string(&marshal(arg(args, 0))))
}

fn json_is_valid<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let text = arg(args, 0).as_str();
    Ok(Value::bool(text.is_some_and(|text| unmarshal(context.heap, text).is_ok())))
}

fn json_unmarshal<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    unmarshal(context.heap, string(arg(args, 0), 1)?)
}

/// How `json.marshal_with_options` lays out its text.
struct Layout<'q> {
    prefix: &'q str,
    indent: &'q str,
    pretty: bool,
}

fn layout<'q>(value: Value<'q>) -> Result<Layout<'q>, BuiltinError> {
    let (mut prefix, mut indent) = ("", "\t");
    let (mut implied, mut declared) = (false, None);
    for (index, (key, value)) in object(value, 2)?.iter().enumerate() {
        let text = |name: &str| {
            value.as_str().ok_or_else(|| {
                let inner = mismatch(index, value, &["string"]);
                BuiltinError::Type(format!("operand 2 key \"{name}\" failed cast to string: {inner}"))
            })
        };
        match key.as_str() {
            Some("prefix") => {
                prefix = text("prefix")?;
                implied = true;
            }
            Some("indent") => {
                indent = text("indent")?;
                implied = true;
            }
            Some("pretty") => match value.as_bool() {
                Some(pretty) => declared = Some(pretty),
                None => return operand(2, "key \"pretty\" failed cast to bool"),
            },
            Some(other) => {
                return operand(2, format_args!("object contained unknown key {}", crate::go::quote(other)));
            }
            None => {
                return operand(
                    2,
                    format_args!(
                        "failed to stringify key {} at index {index}: operand {index} must be string but got {}",
                        crate::operand::rego(key),
                        kind_name(key)
                    ),
                );
            }
        }
    }
    Ok(Layout { prefix, indent, pretty: declared.unwrap_or(implied) })
}

fn json_marshal_with_options<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let layout = layout(arg(args, 1))?;
    let text = if layout.pretty {
        format!("{}{}", layout.prefix, json::marshal_indent(arg(args, 0), layout.prefix, layout.indent))
    } else {
        marshal(arg(args, 0))
    };
    Ok(context.heap.string(&text))
}

fn yaml_is_valid<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let text = arg(args, 0).as_str();
    Ok(Value::bool(text.is_some_and(|text| yaml::read(context.heap, text).is_ok())))
}

fn yaml_unmarshal<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    yaml::read(context.heap, string(arg(args, 0), 1)?)
}

fn yaml_marshal<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let text = yaml::write(arg(args, 0)).map_err(BuiltinError::Failed)?;
    Ok(context.heap.string(&text))
}

//! Functions of strings.
//!
//! The one surprising fact: positions and lengths count characters (Go's runes), not bytes.

mod case;
mod replace;

use crate::aggregates::size;
use crate::go::fmt::{Arg, sprintf as go_sprintf};
use crate::operand::{
    arg, array, element, elements, failed, int, mismatch, number_text, object, operand, rego, short_integer,
    string, string_list,
};
use crate::{Answer, Builtin, BuiltinError, Context};
use govc_value::{Heap, Value, View};
use num_bigint::BigInt;

pub(crate) const TABLE: &[Builtin] = &[
    Builtin::new(
        "concat",
        &[("delimiter", "string"), ("collection", "any<array[string], set[string]>")],
        Some("string"),
        "Joins strings with a separator.",
    )
    .calls(concat),
    Builtin::new(
        "contains",
        &[("haystack", "string"), ("needle", "string")],
        Some("boolean"),
        "Tells whether a string contains another.",
    )
    .calls(contains),
    Builtin::new(
        "endswith",
        &[("search", "string"), ("base", "string")],
        Some("boolean"),
        "Tells whether a string ends with another.",
    )
    .calls(endswith),
    Builtin::new(
        "indexof",
        &[("haystack", "string"), ("needle", "string")],
        Some("number"),
        "Position, in characters, of the first occurrence of a string, or -1.",
    )
    .calls(indexof),
    Builtin::new(
        "indexof_n",
        &[("haystack", "string"), ("needle", "string")],
        Some("array[number]"),
        "Positions, in characters, of all occurrences of a string.",
    )
    .calls(indexof_n),
    Builtin::new("lower", &[("x", "string")], Some("string"), "String in lower case.").calls(lower),
    Builtin::new(
        "replace",
        &[("x", "string"), ("old", "string"), ("new", "string")],
        Some("string"),
        "String with every occurrence of `old` replaced.",
    )
    .calls(replace),
    Builtin::new(
        "split",
        &[("x", "string"), ("delimiter", "string")],
        Some("array[string]"),
        "Parts of a string between delimiters.",
    )
    .calls(split),
    Builtin::new(
        "startswith",
        &[("search", "string"), ("base", "string")],
        Some("boolean"),
        "Tells whether a string begins with another.",
    )
    .calls(startswith),
    Builtin::new(
        "strings.any_prefix_match",
        &[
            ("search", "any<string, array[string], set[string]>"),
            ("base", "any<string, array[string], set[string]>"),
        ],
        Some("boolean"),
        "Tells whether any string begins with any of the prefixes.",
    )
    .calls(strings_any_prefix_match),
    Builtin::new(
        "strings.any_suffix_match",
        &[
            ("search", "any<string, array[string], set[string]>"),
            ("base", "any<string, array[string], set[string]>"),
        ],
        Some("boolean"),
        "Tells whether any string ends with any of the suffixes.",
    )
    .calls(strings_any_suffix_match),
    Builtin::new(
        "strings.count",
        &[("search", "string"), ("substring", "string")],
        Some("number"),
        "Number of occurrences of a string that do not overlap.",
    )
    .calls(strings_count),
    Builtin::new(
        "strings.render_template",
        &[("value", "string"), ("vars", "object[string: any]")],
        Some("string"),
        "Text of a Go template filled with values.",
    )
    .calls(crate::template::render),
    Builtin::new(
        "strings.replace_n",
        &[("patterns", "object[string: string]"), ("value", "string")],
        Some("string"),
        "String with several texts replaced in one pass.",
    )
    .calls(strings_replace_n),
    Builtin::new(
        "strings.reverse",
        &[("x", "string")],
        Some("string"),
        "Characters of a string in reverse order.",
    )
    .calls(strings_reverse),
    Builtin::new(
        "strings.split_n",
        &[("x", "string"), ("delimiter", "string"), ("n", "number")],
        Some("array[string]"),
        "First `n` parts of a string between delimiters, or the last ones where `n` is negative.",
    )
    .calls(strings_split_n),
    Builtin::new(
        "substring",
        &[("value", "string"), ("offset", "number"), ("length", "number")],
        Some("string"),
        "Part of a string, by character offset and length.",
    )
    .calls(substring),
    Builtin::new(
        "trim",
        &[("value", "string"), ("cutset", "string")],
        Some("string"),
        "String without leading and trailing characters of a set.",
    )
    .calls(trim),
    Builtin::new(
        "trim_left",
        &[("value", "string"), ("cutset", "string")],
        Some("string"),
        "String without leading characters of a set.",
    )
    .calls(trim_left),
    Builtin::new(
        "trim_prefix",
        &[("value", "string"), ("prefix", "string")],
        Some("string"),
        "String without a prefix.",
    )
    .calls(trim_prefix),
    Builtin::new(
        "trim_right",
        &[("value", "string"), ("cutset", "string")],
        Some("string"),
        "String without trailing characters of a set.",
    )
    .calls(trim_right),
    Builtin::new(
        "trim_space",
        &[("value", "string")],
        Some("string"),
        "String without leading and trailing white space.",
    )
    .calls(trim_space),
    Builtin::new(
        "trim_suffix",
        &[("value", "string"), ("suffix", "string")],
        Some("string"),
        "String without a suffix.",
    )
    .calls(trim_suffix),
    Builtin::new("upper", &[("x", "string")], Some("string"), "String in upper case.").calls(upper),
    Builtin::new(
        "sprintf",
        &[("format", "string"), ("values", "array[any]")],
        Some("string"),
        "Text made from a format with Go's verbs.",
    )
    .calls(sprintf),
];

fn two<'q>(args: &[Value<'q>]) -> Result<(&'q str, &'q str), BuiltinError> {
    Ok((string(arg(args, 0), 1)?, string(arg(args, 1), 2)?))
}

fn concat<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let separator = string(arg(args, 0), 1)?;
    let Some(parts) = elements(arg(args, 1)) else {
        return Err(mismatch(2, arg(args, 1), &["set", "array"]));
    };
    let mut joined = String::new();
    for (position, part) in parts.iter().enumerate() {
        if position > 0 {
            joined.push_str(separator);
        }
        let text = part.as_str().ok_or_else(|| element(2, arg(args, 1), *part, "string"))?;
        joined.push_str(text);
    }
    Ok(context.heap.string(&joined))
}

fn contains<'q>(_: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    two(args).map(|(text, part)| Value::bool(text.contains(part)))
}

fn startswith<'q>(_: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    two(args).map(|(text, part)| Value::bool(text.starts_with(part)))
}

fn endswith<'q>(_: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    two(args).map(|(text, part)| Value::bool(text.ends_with(part)))
}

fn lower<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    Ok(context.heap.string(&case::lower(string(arg(args, 0), 1)?)))
}

fn upper<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    Ok(context.heap.string(&case::upper(string(arg(args, 0), 1)?)))
}

/// Character positions at which a text that is not empty begins, overlaps included.
fn positions<'t>(text: &'t str, part: &'t str) -> impl Iterator<Item = usize> + 't {
    text.char_indices()
        .enumerate()
        .filter(move |(_, (at, _))| text.get(*at..).is_some_and(|rest| rest.starts_with(part)))
        .map(|(position, _)| position)
}

fn search<'q>(args: &[Value<'q>]) -> Result<(&'q str, &'q str), BuiltinError> {
    let (text, part) = two(args)?;
    if part.is_empty() { failed("empty search character") } else { Ok((text, part)) }
}

fn indexof<'q>(_: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let (text, part) = search(args)?;
    Ok(match text.find(part) {
        Some(at) => size(text.get(..at).map_or(0, |before| before.chars().count())),
        None => Value::int(-1),
    })
}

fn indexof_n<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let (text, part) = search(args)?;
    let all: Vec<_> = positions(text, part).map(size).collect();
    Ok(context.heap.array(&all))
}

fn strings_count<'q>(_: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let (text, part) = two(args)?;
    Ok(size(if part.is_empty() { text.chars().count() + 1 } else { text.matches(part).count() }))
}

fn substring<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let text = string(arg(args, 0), 1)?;
    let (start, length) = (int(arg(args, 1), 2)?, int(arg(args, 2), 3)?);
    let Ok(start) = usize::try_from(start) else {
        return failed("negative offset");
    };
    let rest = text.char_indices().nth(start).and_then(|(at, _)| text.get(at..)).unwrap_or_default();
    let part = match usize::try_from(length) {
        Ok(length) => {
            let end = rest.char_indices().nth(length).map_or(rest.len(), |(at, _)| at);
            rest.get(..end).unwrap_or(rest)
        }
        Err(_) => rest,
    };
    Ok(context.heap.string(part))
}

/// `strings.SplitN`; no limit for `None`. An empty delimiter splits between characters.
fn split_text<'t>(text: &'t str, delimiter: &str, limit: Option<usize>) -> Vec<&'t str> {
    if limit == Some(0) {
        return Vec::new();
    }
    if !delimiter.is_empty() {
        return match limit {
            Some(limit) => text.splitn(limit, delimiter).collect(),
            None => text.split(delimiter).collect(),
        };
    }
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if limit.is_some_and(|limit| parts.len() + 1 >= limit) {
            parts.push(rest);
            break;
        }
        let (head, tail) = rest.split_at(first.len_utf8());
        parts.push(head);
        rest = tail;
    }
    parts
}

fn texts<'q>(heap: Heap<'q>, parts: &[&str]) -> Value<'q> {
    let values: Vec<_> = parts.iter().map(|part| heap.string(part)).collect();
    heap.array(&values)
}

fn split<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let (text, delimiter) = two(args)?;
    Ok(texts(context.heap, &split_text(text, delimiter, None)))
}

fn strings_split_n<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let (text, delimiter) = two(args)?;
    let n = int(arg(args, 2), 3)?;
    let parts = match usize::try_from(n) {
        Ok(n) => {
            let mut parts = split_text(text, delimiter, Some(n.saturating_add(1)));
            parts.truncate(n);
            parts
        }
        Err(_) => {
            let parts = split_text(text, delimiter, None);
            let keep = usize::try_from(n.unsigned_abs()).unwrap_or(usize::MAX).min(parts.len());
            parts.get(parts.len() - keep..).unwrap_or_default().to_vec()
        }
    };
    Ok(texts(context.heap, &parts))
}

fn replace<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let (text, old) = two(args)?;
    let new = string(arg(args, 2), 3)?;
    Ok(context.heap.string_of_bytes(&replace::all(text, &[(old, new)])))
}

fn strings_replace_n<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let patterns = object(arg(args, 0), 1)?;
    let text = string(arg(args, 1), 2)?;
    let mut pairs = Vec::new();
    for (old, new) in patterns.iter() {
        let Some(old) = old.as_str() else {
            return operand(1, "non-string key found in pattern object");
        };
        let Some(new) = new.as_str() else {
            return operand(1, "non-string value found in pattern object");
        };
        pairs.push((old, new));
    }
    Ok(context.heap.string_of_bytes(&replace::all(text, &pairs)))
}

fn trim<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let (text, cut) = two(args)?;
    Ok(context.heap.string(text.trim_matches(|c| cut.contains(c))))
}

fn trim_left<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let (text, cut) = two(args)?;
    Ok(context.heap.string(text.trim_start_matches(|c| cut.contains(c))))
}

fn trim_right<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let (text, cut) = two(args)?;
    Ok(context.heap.string(text.trim_end_matches(|c| cut.contains(c))))
}

fn trim_prefix<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let (text, prefix) = two(args)?;
    Ok(context.heap.string(text.strip_prefix(prefix).unwrap_or(text)))
}

fn trim_suffix<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let (text, suffix) = two(args)?;
    Ok(context.heap.string(text.strip_suffix(suffix).unwrap_or(text)))
}

fn trim_space<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    Ok(context.heap.string(string(arg(args, 0), 1)?.trim()))
}

fn strings_reverse<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let reversed: String = string(arg(args, 0), 1)?.chars().rev().collect();
    Ok(context.heap.string(&reversed))
}

/// A string, or the strings of an array or set.
fn one_or_many<'q>(value: Value<'q>, position: usize) -> Result<Vec<&'q str>, BuiltinError> {
    match value.view() {
        View::String(text) => Ok(vec![text]),
        View::Array(_) | View::Set(_) => string_list(value, position),
        _ => Err(mismatch(position, value, &["string", "set", "array"])),
    }
}

fn any_match<'q>(args: &[Value<'q>], holds: fn(&str, &str) -> bool) -> Answer<'q> {
    let texts = one_or_many(arg(args, 0), 1)?;
    let parts = one_or_many(arg(args, 1), 2)?;
    Ok(Value::bool(texts.iter().any(|text| parts.iter().any(|part| holds(text, part)))))
}

fn strings_any_prefix_match<'q>(_: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    any_match(args, |text, prefix| text.starts_with(prefix))
}

fn strings_any_suffix_match<'q>(_: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    any_match(args, |text, suffix| text.ends_with(suffix))
}

fn sprintf<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let format = string(arg(args, 0), 1)?;
    let values = array(arg(args, 1), 2)?;
    let text = &mut context.cache.text;
    if crate::plain_format::plain(text, format, values.as_slice()).is_some() {
        return Ok(context.heap.string(text));
    }
    let values: Vec<Arg> = values.as_slice().iter().map(|v| format_argument(*v)).collect();
    Ok(context.heap.string(&go_sprintf(format, &values)))
}

/// Numbers in the Go type that OPA picks, strings as they are, everything else as its Rego text.
fn format_argument(value: Value<'_>) -> Arg {
    match value.view() {
        View::Number(_) => number_argument(number_text(value)),
        View::String(text) => Arg::Text(text.to_owned()),
        _ => Arg::Text(rego(value)),
    }
}

fn number_argument(text: String) -> Arg {
    if let Some(i) = short_integer(&text) {
        return Arg::Int(i);
    }
    let other = if text.contains('.') {
        crate::bigfloat::f64_from_text(&text).map(Arg::Float)
    } else {
        BigInt::parse_bytes(text.as_bytes(), 10).map(Arg::Big)
    };
    other.unwrap_or(Arg::Text(text))
}

//! Regular expressions.
//!
//! The one surprising fact: patterns are Go's, read by our own reader and handed to the `regex`
//! crate in its own notation; both match in linear time and prefer the leftmost alternative.

mod globs;
mod re2;

use crate::operand::{arg, failed, int, string};
use crate::{Answer, Builtin, BuiltinError, Cache, Context};
use govc_value::{Heap, Value};
use regex::{Captures, Regex, RegexBuilder};
use std::sync::Arc;

pub(crate) const TABLE: &[Builtin] = &[
    Builtin::new(
        "re_match",
        &[("x", "string"), ("y", "string")],
        Some("boolean"),
        "Tells whether a text matches a regular expression.",
    )
    .deprecated()
    .calls(re_match),
    Builtin::new(
        "regex.match",
        &[("pattern", "string"), ("value", "string")],
        Some("boolean"),
        "Tells whether a text matches a regular expression.",
    )
    .calls(regex_match),
    Builtin::new(
        "regex.is_valid",
        &[("pattern", "string")],
        Some("boolean"),
        "Tells whether a string is a regular expression.",
    )
    .calls(regex_is_valid),
    Builtin::new(
        "regex.find_n",
        &[("pattern", "string"), ("value", "string"), ("number", "number")],
        Some("array[string]"),
        "First `n` matches in a text, or all for -1.",
    )
    .calls(regex_find_n),
    Builtin::new(
        "regex.find_all_string_submatch_n",
        &[("pattern", "string"), ("value", "string"), ("number", "number")],
        Some("array[array[string]]"),
        "First `n` matches with their groups, or all for -1.",
    )
    .calls(regex_find_all_string_submatch_n),
    Builtin::new(
        "regex.globs_match",
        &[("glob1", "string"), ("glob2", "string")],
        Some("boolean"),
        "Tells whether the languages of two globs have a text in common.",
    )
    .calls(regex_globs_match),
    Builtin::new(
        "regex.replace",
        &[("s", "string"), ("pattern", "string"), ("value", "string")],
        Some("string"),
        "Text with every match replaced by a template.",
    )
    .calls(regex_replace),
    Builtin::new(
        "regex.split",
        &[("pattern", "string"), ("value", "string")],
        Some("array[string]"),
        "Parts of a text between matches.",
    )
    .calls(regex_split),
    Builtin::new(
        "regex.template_match",
        &[
            ("template", "string"),
            ("value", "string"),
            ("delimiter_start", "string"),
            ("delimiter_end", "string"),
        ],
        Some("boolean"),
        "Tells whether a text matches a template with expressions between delimiters.",
    )
    .calls(regex_template_match),
];

/// Bytes that a compiled pattern may take.
const SIZE_LIMIT: usize = 64 << 20;

/// Compiles a pattern in Go's notation.
fn compile(pattern: &str) -> Result<Regex, BuiltinError> {
    let translated = re2::translate(pattern).map_err(BuiltinError::Failed)?;
    RegexBuilder::new(&translated).size_limit(SIZE_LIMIT).build().map_err(|error| match error {
        regex::Error::CompiledTooBig(limit) => {
            BuiltinError::Limit(format!("regular expression takes more than {limit} bytes"))
        }
        _ => BuiltinError::Failed(format!("error parsing regexp: {}", last_line(&error.to_string()))),
    })
}

/// Is a text a pattern in Go's notation?
pub(crate) fn is_valid(pattern: &str) -> bool {
    compile(pattern).is_ok()
}

fn last_line(text: &str) -> &str {
    text.lines().last().unwrap_or(text).trim_start_matches("error: ")
}

pub(crate) fn cached(cache: &mut Cache, pattern: &str) -> Result<Arc<Regex>, BuiltinError> {
    cache.regexes.get(pattern, || compile(pattern))
}

fn re_match<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    regex_match(context, args)
}

fn regex_match<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let (pattern, text) = (string(arg(args, 0), 1)?, string(arg(args, 1), 2)?);
    Ok(Value::bool(cached(context.cache, pattern)?.is_match(text)))
}

fn regex_is_valid<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let valid = arg(args, 0).as_str().is_some_and(|pattern| cached(context.cache, pattern).is_ok());
    Ok(Value::bool(valid))
}

/// How many matches are asked for: all of them for a negative number.
fn limit(value: Value<'_>) -> Result<usize, BuiltinError> {
    Ok(usize::try_from(int(value, 3)?).unwrap_or(usize::MAX))
}

fn texts<'q, 't>(heap: Heap<'q>, parts: impl Iterator<Item = &'t str>) -> Value<'q> {
    let values: Vec<_> = parts.map(|part| heap.string(part)).collect();
    heap.array(&values)
}

fn regex_find_n<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let (pattern, text) = (string(arg(args, 0), 1)?, string(arg(args, 1), 2)?);
    let limit = limit(arg(args, 2))?;
    let regex = cached(context.cache, pattern)?;
    Ok(texts(context.heap, regex.find_iter(text).take(limit).map(|found| found.as_str())))
}

fn regex_find_all_string_submatch_n<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let (pattern, text) = (string(arg(args, 0), 1)?, string(arg(args, 1), 2)?);
    let limit = limit(arg(args, 2))?;
    let regex = cached(context.cache, pattern)?;
    let all: Vec<_> = regex
        .captures_iter(text)
        .take(limit)
        .map(|groups| texts(context.heap, groups.iter().map(|g| g.map_or("", |g| g.as_str()))))
        .collect();
    Ok(context.heap.array(&all))
}

fn regex_split<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let (pattern, text) = (string(arg(args, 0), 1)?, string(arg(args, 1), 2)?);
    let regex = cached(context.cache, pattern)?;
    Ok(texts(context.heap, split(&regex, pattern, text).into_iter()))
}

/// Go drops an empty part before an empty match at the start, and nothing else.
fn split<'t>(regex: &Regex, pattern: &str, text: &'t str) -> Vec<&'t str> {
    if !pattern.is_empty() && text.is_empty() {
        return vec![""];
    }
    let (mut parts, mut begin, mut end) = (Vec::new(), 0, 0);
    for found in regex.find_iter(text) {
        end = found.start();
        if found.end() != 0 {
            parts.push(text.get(begin..end).unwrap_or_default());
        }
        begin = found.end();
    }
    if end != text.len() {
        parts.push(text.get(begin..).unwrap_or_default());
    }
    parts
}

fn regex_replace<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let (text, pattern) = (string(arg(args, 0), 1)?, string(arg(args, 1), 2)?);
    let template = string(arg(args, 2), 3)?;
    let regex = cached(context.cache, pattern)?;
    let mut out = String::with_capacity(text.len());
    let mut last = 0;
    for groups in regex.captures_iter(text) {
        let Some(whole) = groups.get(0) else { continue };
        out.push_str(text.get(last..whole.start()).unwrap_or_default());
        expand(template, &groups, &mut out);
        last = whole.end();
    }
    out.push_str(text.get(last..).unwrap_or_default());
    Ok(context.heap.string(&out))
}

/// `$1`, `${1}`, `$name` and `$$`, as Go's `Regexp.Expand`.
fn expand(template: &str, groups: &Captures<'_>, out: &mut String) {
    let mut rest = template;
    while let Some(at) = rest.find('$') {
        out.push_str(rest.get(..at).unwrap_or_default());
        rest = rest.get(at + 1..).unwrap_or_default();
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some((name, after)) = group_name(rest) {
            out.push_str(group(groups, name));
            rest = after;
        } else {
            out.push('$');
        }
    }
    out.push_str(rest);
}

fn group_name(rest: &str) -> Option<(&str, &str)> {
    let braced = rest.starts_with('{');
    let start = rest.strip_prefix('{').unwrap_or(rest);
    let length = start.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(start.len());
    let (name, after) = start.split_at(length);
    if name.is_empty() {
        return None;
    }
    if braced { after.strip_prefix('}').map(|after| (name, after)) } else { Some((name, after)) }
}

fn group<'t>(groups: &Captures<'t>, name: &str) -> &'t str {
    let digits = name.bytes().all(|b| b.is_ascii_digit()) && (name == "0" || !name.starts_with('0'));
    let found = match name.parse::<usize>() {
        Ok(index) if digits => groups.get(index),
        _ => groups.name(name),
    };
    found.map_or("", |found| found.as_str())
}

fn regex_globs_match<'q>(_: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let (a, b) = (string(arg(args, 0), 1)?, string(arg(args, 1), 2)?);
    globs::intersect(a, b).map(Value::bool).map_err(BuiltinError::Failed)
}

fn regex_template_match<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let (template, text) = (string(arg(args, 0), 1)?, string(arg(args, 1), 2)?);
    let (start, end) = (string(arg(args, 2), 3)?, string(arg(args, 3), 4)?);
    let wanted = |side: &str, length: usize| {
        failed(format!("{side} delimiter has to be exactly one character long but is {length} long"))
    };
    let [start] = start.as_bytes() else {
        return wanted("start", start.len());
    };
    // OPA prints the length of the start delimiter here too.
    let [end] = end.as_bytes() else {
        return wanted("end", 1);
    };
    let pattern = template_pattern(template, *start, *end)?;
    Ok(Value::bool(cached(context.cache, &pattern)?.is_match(text)))
}

/// The expression that a template stands for: what is between delimiters is one, the rest is literal.
fn template_pattern(template: &str, start: u8, end: u8) -> Result<String, BuiltinError> {
    let unbalanced = || BuiltinError::Failed(format!("unbalanced braces in {}", crate::go::quote(template)));
    let mut pattern = String::from("^");
    let (mut level, mut from) = (0, 0);
    for (at, byte) in template.bytes().enumerate() {
        if byte == start {
            level += 1;
            if level == 1 {
                pattern.push_str(&re2::quote_meta(template.get(from..at).unwrap_or_default()));
                from = at + 1;
            }
        } else if byte == end {
            level -= 1;
            if level < 0 {
                return Err(unbalanced());
            }
            if level == 0 {
                let inner = template.get(from..at).unwrap_or_default();
                compile(&format!("^{inner}$"))?;
                pattern.push_str(&format!("({inner})"));
                from = at + 1;
            }
        }
    }
    if level != 0 {
        return Err(unbalanced());
    }
    pattern.push_str(&re2::quote_meta(template.get(from..).unwrap_or_default()));
    pattern.push('$');
    Ok(pattern)
}

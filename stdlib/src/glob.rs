//! Globs, in the notation of OPA's `glob.match`.
//!
//! The one surprising fact: no delimiters (`[]`) means the dot, and only `null` means none at all.

use crate::operand::{arg, array, element, mismatch, string};
use crate::{Answer, Builtin, BuiltinError, Context};
use govc_value::{Kind, Value};
use regex::{Regex, RegexBuilder};

pub(crate) const TABLE: &[Builtin] = &[
    Builtin::new(
        "glob.match",
        &[("pattern", "string"), ("delimiters", "any<null, array[string]>"), ("match", "string")],
        Some("boolean"),
        "Tells whether a text matches a glob.",
    )
    .calls(glob_match),
    Builtin::new(
        "glob.quote_meta",
        &[("pattern", "string")],
        Some("string"),
        "Glob that matches exactly the given text.",
    )
    .calls(glob_quote_meta),
];

/// A compiled glob.
pub(crate) struct Glob(Regex);

/// Bytes that a compiled glob may take.
const SIZE_LIMIT: usize = 64 << 20;

fn delimiters(value: Value<'_>) -> Result<Vec<char>, BuiltinError> {
    match value.kind() {
        Kind::Null => return Ok(Vec::new()),
        Kind::Array => {}
        _ => return Err(mismatch(2, value, &["array", "null"])),
    }
    let mut found = Vec::new();
    for delimiter in array(value, 2)?.as_slice() {
        let text = delimiter.as_str().ok_or_else(|| element(2, value, *delimiter, "string"))?;
        let mut chars = text.chars();
        match (chars.next(), chars.next()) {
            (Some(c), None) => found.push(c),
            _ => return Err(element(2, value, *delimiter, "rune")),
        }
    }
    Ok(if found.is_empty() { vec!['.'] } else { found })
}

fn glob_match<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let pattern = string(arg(args, 0), 1)?;
    let delimiters = delimiters(arg(args, 1))?;
    let text = string(arg(args, 2), 3)?;
    let key = format!("{pattern}-{}", delimiters.iter().collect::<String>());
    let glob = context.cache.globs.get(&key, || compile(pattern, &delimiters))?;
    Ok(Value::bool(glob.0.is_match(text)))
}

fn glob_quote_meta<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let text = string(arg(args, 0), 1)?;
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if r"*?\[]{}".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    Ok(context.heap.string(&out))
}

fn compile(pattern: &str, delimiters: &[char]) -> Result<Glob, BuiltinError> {
    let expression = translate(pattern, delimiters).map_err(BuiltinError::Failed)?;
    let built = RegexBuilder::new(&expression).size_limit(SIZE_LIMIT).build();
    built.map(Glob).map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => {
            BuiltinError::Limit(format!("glob takes more than {SIZE_LIMIT} bytes"))
        }
        _ => BuiltinError::Failed("could not parse range".to_owned()),
    })
}

/// A regular expression for a glob.
fn translate(pattern: &str, delimiters: &[char]) -> Result<String, String> {
    let escaped: String = delimiters.iter().map(|c| regex::escape(&c.to_string())).collect();
    let single = if delimiters.is_empty() { ".".to_owned() } else { format!("[^{}]", class(&escaped)) };
    let mut out = String::from(r"(?s)\A(?:");
    let mut chars = pattern.chars().peekable();
    let mut depth = 0;
    while let Some(c) = chars.next() {
        match c {
            '*' if chars.next_if_eq(&'*').is_some() => out.push_str(".*"),
            '*' => out.push_str(&format!("{single}*")),
            '?' => out.push_str(&single),
            '[' => bracket(&mut chars, &mut out)?,
            '{' => {
                depth += 1;
                out.push_str("(?:");
            }
            ',' if depth > 0 => out.push('|'),
            '}' if depth > 0 => {
                depth -= 1;
                out.push(')');
            }
            '\\' => out.push_str(&regex::escape(&chars.next().map(String::from).unwrap_or_default())),
            _ => out.push_str(&regex::escape(&c.to_string())),
        }
    }
    out.push_str(&")".repeat(depth));
    out.push_str(r")\z");
    Ok(out)
}

/// Escapes what only a class gives a meaning.
fn class(escaped: &str) -> String {
    escaped.replace('/', r"\/")
}

/// `[abc]`, `[a-z]`, with `!` for all others; a range is the only member of its brackets.
fn bracket(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, out: &mut String) -> Result<(), String> {
    let end = || "unexpected end of input".to_owned();
    out.push('[');
    if chars.next_if_eq(&'!').is_some() {
        out.push('^');
    }
    let first = chars.next().ok_or_else(end)?;
    if chars.next_if_eq(&'-').is_some() {
        let high = chars.next().ok_or_else(end)?;
        if high < first {
            return Err(format!("hi character '{high}' should be greater than lo '{first}'"));
        }
        out.push_str(&format!("{}-{}", class_char(first), class_char(high)));
        if chars.next().ok_or_else(end)? != ']' {
            return Err("expected close range character".to_owned());
        }
    } else {
        let mut next = first;
        loop {
            match next {
                ']' => break,
                '\\' => out.push_str(&class_char(chars.next().ok_or_else(end)?)),
                _ => out.push_str(&class_char(next)),
            }
            next = chars.next().ok_or_else(end)?;
        }
    }
    out.push(']');
    Ok(())
}

fn class_char(c: char) -> String {
    if c.is_ascii_alphanumeric() { c.to_string() } else { format!("\\x{{{:X}}}", u32::from(c)) }
}

//! Writing YAML in block style.
//!
//! The one surprising fact: a list in a mapping is not indented, and keys are sorted as a person
//! would: `a2` before `a10`.

use super::super::json::key_text;
use super::scalar::{Scalar, is_timestamp, signed, untagged};
use crate::operand::number_text;
use govc_value::{Value, View};
use std::cmp::Ordering;

/// Columns after which a line breaks at the next blank.
const BEST_WIDTH: usize = 80;

/// The text of a value.
///
/// # Errors
/// OPA's text where the value holds a control character that YAML cannot carry.
pub(crate) fn write(value: Value<'_>) -> Result<String, String> {
    let mut writer = Writer { out: String::new(), refused: false };
    writer.node(value, 0, 2);
    if writer.refused {
        return Err("yaml: control characters are not allowed".to_owned());
    }
    Ok(writer.out)
}

/// A collection that is not empty, or a scalar.
enum Shape<'q> {
    List(&'q [Value<'q>]),
    Map(Vec<(String, Value<'q>)>),
    Text(&'q str),
    Scalar(String),
}

fn shape<'q>(value: Value<'q>) -> Shape<'q> {
    match value.view() {
        View::Array(array) if !array.as_slice().is_empty() => Shape::List(array.as_slice()),
        View::Set(set) if !set.as_slice().is_empty() => Shape::List(set.as_slice()),
        View::Object(object) if !object.is_empty() => {
            let entries: std::collections::BTreeMap<_, _> =
                object.iter().map(|(key, value)| (key_text(key), value)).collect();
            let mut entries: Vec<_> = entries.into_iter().collect();
            entries.sort_by(|(a, _), (b, _)| natural(a, b));
            Shape::Map(entries)
        }
        View::Array(_) | View::Set(_) => Shape::Scalar("[]".to_owned()),
        View::Object(_) => Shape::Scalar("{}".to_owned()),
        View::String(text) => Shape::Text(text),
        View::Number(_) => Shape::Scalar(number(value)),
        View::Bool(b) => Shape::Scalar(b.to_string()),
        View::Null | View::Undefined => Shape::Scalar("null".to_owned()),
    }
}

/// Numbers pass through YAML's own types, as in OPA.
fn number(value: Value<'_>) -> String {
    match untagged(&number_text(value)) {
        Scalar::Int(i) => i.to_string(),
        Scalar::Float(f) => signed(f),
        _ => number_text(value),
    }
}

struct Writer {
    out: String,
    /// A control character was met.
    refused: bool,
}

impl Writer {
    fn indent(&mut self, column: usize) {
        self.out.push_str(&" ".repeat(column));
    }

    fn line(&mut self, column: usize) {
        self.out.push('\n');
        self.indent(column);
    }

    fn end_line(&mut self) {
        if !self.out.ends_with('\n') {
            self.out.push('\n');
        }
    }

    /// Writes a node whose first line begins here, whose entries begin at `indent`, and whose text goes
    /// on at `body`.
    fn node(&mut self, value: Value<'_>, indent: usize, body: usize) {
        match shape(value) {
            Shape::Scalar(text) => {
                self.out.push_str(&text);
                self.end_line();
            }
            Shape::Text(text) => {
                self.string(text, body, false);
                self.end_line();
            }
            Shape::List(list) => self.items(list, indent),
            Shape::Map(entries) => {
                for (position, (key, value)) in entries.iter().enumerate() {
                    if position > 0 {
                        self.indent(indent);
                    }
                    self.entry(key, *value, indent);
                }
            }
        }
    }

    fn items(&mut self, list: &[Value<'_>], indent: usize) {
        for (position, element) in list.iter().enumerate() {
            if position > 0 {
                self.indent(indent);
            }
            self.out.push_str("- ");
            self.node(*element, indent + 2, indent + 2);
        }
    }

    fn entry(&mut self, key: &str, value: Value<'_>, indent: usize) {
        const LONGEST_SIMPLE_KEY: usize = 128;
        if key.contains('\n') || key.len() > LONGEST_SIMPLE_KEY {
            self.out.push_str("? ");
            self.string(key, indent + 2, false);
            self.end_line();
            self.indent(indent);
            self.out.push_str(": ");
            return self.node(value, indent + 2, indent + 2);
        }
        self.string(key, indent, true);
        self.out.push(':');
        match shape(value) {
            Shape::Scalar(_) | Shape::Text(_) => {
                self.out.push(' ');
                self.node(value, indent, indent + 2);
            }
            Shape::List(list) => {
                self.line(indent);
                self.items(list, indent);
            }
            Shape::Map(_) => {
                self.line(indent + 2);
                self.node(value, indent + 2, indent + 2);
            }
        }
    }

    fn string(&mut self, text: &str, body: usize, key: bool) {
        self.refused |= text.chars().any(is_refused);
        let style = style(text);
        match style {
            Style::Literal => return self.out.push_str(&literal(text, body)),
            Style::Single => self.out.push('\''),
            Style::Double => self.out.push('"'),
            Style::Plain => {}
        }
        self.folded(text, style, body, key);
        match style {
            Style::Single => self.out.push('\''),
            Style::Double => self.out.push('"'),
            Style::Plain | Style::Literal => {}
        }
    }

    /// Writes the characters of a text; a long line breaks at a blank, unless it is a key.
    fn folded(&mut self, text: &str, style: Style, body: usize, key: bool) {
        let start = self.out.rfind('\n').map_or(0, |at| at + 1);
        let mut column = self.out.get(start..).map_or(0, |line| line.chars().count());
        let mut chars = text.chars().peekable();
        let (mut first, mut after_space) = (true, false);
        while let Some(c) = chars.next() {
            let next_space = chars.peek() == Some(&' ');
            let inner = style == Style::Plain || !first && chars.peek().is_some();
            let may_break = style == Style::Double || !next_space;
            if c == ' ' && !key && !after_space && column > BEST_WIDTH && inner && may_break {
                self.line(body);
                column = body;
                if style == Style::Double && next_space {
                    self.out.push('\\');
                    column += 1;
                }
            } else {
                let before = self.out.len();
                write_char(c, style, &mut self.out);
                column += self.out.get(before..).map_or(0, |piece| piece.chars().count());
            }
            after_space = c == ' ';
            first = false;
        }
    }
}

/// How a text is written.
#[derive(Clone, Copy, PartialEq)]
enum Style {
    Plain,
    Single,
    Double,
    Literal,
}

fn style(text: &str) -> Style {
    let plain = matches!(untagged(text), Scalar::Text(same) if same == text);
    let analysis = analyse(text);
    if text.contains('\n') {
        return if analysis.block { Style::Literal } else { Style::Double };
    }
    match (plain && !is_timestamp(text) && !is_base_60(text), analysis) {
        (false, _) => Style::Double,
        (true, Analysis { plain: true, .. }) => Style::Plain,
        (true, Analysis { single_quoted: true, .. }) => Style::Single,
        _ => Style::Double,
    }
}

fn write_char(c: char, style: Style, out: &mut String) {
    match style {
        Style::Single if c == '\'' => out.push_str("''"),
        Style::Double => escaped(c, out),
        _ => out.push(c),
    }
}

/// JSON carries these as they are, and YAML's reader refuses them.
fn is_refused(c: char) -> bool {
    matches!(c, '\x7f'..='\u{84}' | '\u{86}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}')
}

/// What a text allows.
struct Analysis {
    plain: bool,
    single_quoted: bool,
    block: bool,
}

fn is_printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}') && c != '\u{feff}'
}

fn is_break(c: char) -> bool {
    matches!(c, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn analyse(text: &str) -> Analysis {
    let chars: Vec<char> = text.chars().collect();
    let blank = |i: usize| chars.get(i).is_none_or(|c| matches!(c, ' ' | '\t'));
    let mut indicators = text.starts_with("---") || text.starts_with("...");
    let (mut special, mut breaks, mut space_break, mut break_space) = (false, false, false, false);
    for (i, c) in chars.iter().enumerate() {
        let before = i.checked_sub(1).and_then(|i| chars.get(i).copied());
        indicators |= match (i, c) {
            (
                0,
                '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@'
                | '`',
            ) => true,
            (0, '?' | '-') | (_, ':') => blank(i + 1),
            (_, '#') => before.is_some_and(|b| matches!(b, ' ' | '\t') || is_break(b)),
            _ => false,
        };
        special |= !is_printable(*c);
        breaks |= is_break(*c);
        space_break |= is_break(*c) && before == Some(' ');
        break_space |= *c == ' ' && before.is_some_and(is_break);
    }
    let edge = |c: Option<&char>| c.is_some_and(|c| *c == ' ' || is_break(*c));
    let edges = edge(chars.first()) || edge(chars.last());
    Analysis {
        plain: !indicators && !edges && !breaks && !break_space && !space_break && !special,
        single_quoted: !break_space && !space_break && !special,
        block: !space_break && !special && chars.last() != Some(&' '),
    }
}

/// A number such as `1:30` to readers of older YAML.
fn is_base_60(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let mut parts = digits.split(':');
    let first = parts.next().unwrap_or_default();
    let first_ok = first.starts_with(|c: char| c.is_ascii_digit())
        && first.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    let rest: Vec<_> = parts.collect();
    let part_ok = |(i, part): (usize, &&str)| {
        let (whole, fraction) = part.split_once('.').unwrap_or((part, ""));
        let sixty = matches!(whole.as_bytes(), [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9']);
        let last = i + 1 == rest.len();
        sixty && (last || !part.contains('.')) && fraction.bytes().all(|b| b.is_ascii_digit() || b == b'_')
    };
    first_ok && !rest.is_empty() && rest.iter().enumerate().all(part_ok)
}

fn literal(text: &str, column: usize) -> String {
    let mut out = String::from("|");
    if text.starts_with(|c| c == ' ' || is_break(c)) {
        out.push('2');
    }
    let body = text.strip_suffix('\n');
    match body {
        None => out.push('-'),
        Some(body) if body.is_empty() || body.ends_with('\n') => out.push('+'),
        Some(_) => {}
    }
    out.push('\n');
    for line in body.unwrap_or(text).split('\n') {
        if !line.is_empty() {
            out.push_str(&" ".repeat(column));
            out.push_str(line);
        }
        out.push('\n');
    }
    out
}

fn escaped(c: char, out: &mut String) {
    if is_printable(c) && !is_break(c) && !matches!(c, '"' | '\\' | '\u{a0}') {
        return out.push(c);
    }
    if let Some(short) = short_escape(c) {
        return out.extend(['\\', short]);
    }
    out.push_str(&match u32::from(c) {
        code @ 0..=0xff => format!("\\x{code:02X}"),
        code @ 0x100..=0xffff => format!("\\u{code:04X}"),
        code => format!("\\U{code:08X}"),
    });
}

fn short_escape(c: char) -> Option<char> {
    Some(match c {
        '\0' => '0',
        '\x07' => 'a',
        '\x08' => 'b',
        '\t' => 't',
        '\n' => 'n',
        '\x0b' => 'v',
        '\x0c' => 'f',
        '\r' => 'r',
        '\x1b' => 'e',
        '"' => '"',
        '\\' => '\\',
        '\u{85}' => 'N',
        '\u{a0}' => '_',
        '\u{2028}' => 'L',
        '\u{2029}' => 'P',
        _ => return None,
    })
}

/// Letters after everything else, digits as numbers.
fn natural(a: &str, b: &str) -> Ordering {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let Some(at) = a.iter().zip(&b).position(|(x, y)| x != y) else {
        return a.len().cmp(&b.len());
    };
    let (Some(x), Some(y)) = (a.get(at), b.get(at)) else {
        return a.len().cmp(&b.len());
    };
    match (x.is_alphabetic(), y.is_alphabetic()) {
        (true, true) => x.cmp(y),
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) => by_number(&a, &b, at).then(x.cmp(y)),
    }
}

fn by_number(a: &[char], b: &[char], at: usize) -> Ordering {
    let zero = a.get(at) == Some(&'0') || b.get(at) == Some(&'0');
    let before = a.get(..at).unwrap_or_default();
    let inside = before.iter().rev().take_while(|c| c.is_numeric()).any(|c| *c != '0');
    let start = u128::from(zero && inside);
    let run = |list: &[char]| {
        let digits: Vec<_> = list.iter().skip(at).map_while(|c| c.to_digit(10)).collect();
        let number = digits.iter().fold(start, |n, d| n.wrapping_mul(10).wrapping_add(u128::from(*d)));
        (number, digits.len())
    };
    run(a).cmp(&run(b))
}

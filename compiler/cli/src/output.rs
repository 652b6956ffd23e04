//! JSON as the command prints it: keys in the order given, two spaces, and `<`, `>`, `&` escaped as Go's encoder does.
//!
//! Values of the virtual machine are carried as text that is already JSON, so that no number changes on its way out.

use crate::exit::Exit;
use crate::problem::Problem;
use std::io::Write;

/// A JSON value about to be printed.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    /// Text that is JSON.
    Raw(String),
    /// An array.
    Array(Vec<Node>),
    /// An object; keys are printed in this order.
    Object(Vec<(String, Node)>),
}

impl Node {
    /// A string.
    pub(crate) fn string(text: &str) -> Self {
        Self::Raw(quote(text))
    }

    /// An integer.
    pub(crate) fn int(value: i64) -> Self {
        Self::Raw(value.to_string())
    }

    /// `true` or `false`.
    pub(crate) fn bool(value: bool) -> Self {
        Self::Raw(value.to_string())
    }

    /// Anything that serde can write.
    pub(crate) fn of(value: &impl serde::Serialize) -> Self {
        Self::Raw(serde_json::to_string(value).unwrap_or_else(|error| quote(&error.to_string())))
    }

    /// Without any white space.
    pub(crate) fn compact(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) {
        match self {
            Self::Raw(text) => out.push_str(text),
            Self::Array(items) => {
                out.push('[');
                for (i, item) in items.iter().enumerate() {
                    separate(out, i);
                    item.write(out);
                }
                out.push(']');
            }
            Self::Object(entries) => {
                out.push('{');
                for (i, (key, value)) in entries.iter().enumerate() {
                    separate(out, i);
                    out.push_str(&quote(key));
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }

    /// As `opa` prints, without a final line end.
    pub(crate) fn pretty(&self) -> String {
        indent(&self.compact())
    }
}

/// An object that serde wrote, with more members behind its own.
pub(crate) fn with_members(object: &Node, more: impl IntoIterator<Item = (&'static str, Node)>) -> Node {
    let text = object.compact();
    let own = text.strip_suffix('}').unwrap_or(&text).to_owned();
    let members = more.into_iter().map(|(name, value)| format!(",{}:{}", quote(name), value.compact()));
    Node::Raw(own + &members.collect::<String>() + "}")
}

/// Prints what a command did, or its refusal with code and reason; `done` is true or false before either.
pub(crate) fn answer(done: &str, told: Result<Vec<(&'static str, Node)>, Problem>) -> Exit {
    let (exit, members) = match told {
        Ok(members) => (Exit::Success, members),
        Err(problem) => {
            let (code, reason) = (Node::string(&problem.code), Node::string(&problem.message));
            (Exit::Failure, vec![("code", code), ("reason", reason)])
        }
    };
    let first = Node::Object(vec![(done.to_owned(), Node::bool(exit == Exit::Success))]);
    println(&with_members(&first, members).pretty());
    exit
}

fn separate(out: &mut String, position: usize) {
    if position > 0 {
        out.push(',');
    }
}

/// A JSON string literal.
pub(crate) fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Indents JSON text as Go's encoder does, with its HTML escapes.
pub(crate) fn indent(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let mut depth = 0usize;
    let mut chars = json.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' => copy_string(&mut chars, &mut out),
            '{' | '[' => {
                out.push(c);
                skip_space(&mut chars);
                if chars.peek().is_some_and(|&next| next == '}' || next == ']') {
                    out.extend(chars.next());
                } else {
                    depth += 1;
                    line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(&mut out, depth);
                out.push(c);
            }
            ',' => {
                out.push(c);
                line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            c if c.is_ascii_whitespace() => {}
            c => out.push(c),
        }
    }
    out
}

/// JSON text without white space, with the HTML escapes of Go's encoder.
pub(crate) fn compact(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let mut chars = json.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => copy_string(&mut chars, &mut out),
            c if c.is_ascii_whitespace() => {}
            c => out.push(c),
        }
    }
    out
}

fn skip_space(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    while chars.next_if(char::is_ascii_whitespace).is_some() {}
}

fn line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth));
}

/// Copies the rest of a string literal whose opening quote was read.
fn copy_string(chars: &mut impl Iterator<Item = char>, out: &mut String) {
    out.push('"');
    while let Some(c) = chars.next() {
        match c {
            '<' => out.push_str("\\u003c"),
            '>' => out.push_str("\\u003e"),
            '&' => out.push_str("\\u0026"),
            '\u{2028}' => out.push_str("\\u2028"),
            '\u{2029}' => out.push_str("\\u2029"),
            c => out.push(c),
        }
        match c {
            '"' => return,
            '\\' => out.extend(chars.next()),
            _ => {}
        }
    }
}

/// Prints text to standard output; a reader that has gone away is not an error of ours.
pub(crate) fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Prints a line to standard output.
pub(crate) fn println(text: &str) {
    print(&format!("{text}\n"));
}

/// Prints a line to standard error.
pub(crate) fn eprintln(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indents_as_go_does() {
        let text = r#"{"a":[1,{"b":"<x>\"&:,"}],"c":{},"d":[],"e":[[]]}"#;
        let wanted = "{\n  \"a\": [\n    1,\n    {\n      \"b\": \"\\u003cx\\u003e\\\"\\u0026:,\"\n    }\n  ],\n  \"c\": {},\n  \"d\": [],\n  \"e\": [\n    []\n  ]\n}";
        assert_eq!(indent(text), wanted);
    }

    #[test]
    fn indented_text_means_the_same() {
        let text = r#"[{"k":"a\\\"b","n":1e400},[],[[[]]],"\u2028"]"#;
        let compact: String = indent(text).lines().map(str::trim).collect::<String>().replace("\": ", "\":");
        assert_eq!(compact, text);
    }
}

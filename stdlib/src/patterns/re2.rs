//! Go's regular expression notation (RE2 with Perl flags) rewritten in that of the `regex` crate.
//!
//! The one surprising fact: `\d`, `\w`, `\s` and `\b` are ASCII in Go; and what Go takes as a literal
//! (`{`, a `[` in a class) is escaped here, because the other notation gives it a meaning.

use std::fmt::Write as _;

/// Go's limit on counted repetition.
const MAX_REPEAT: u32 = 1000;
/// Go's limit on nested groups.
const MAX_DEPTH: usize = 1000;

/// `regexp.QuoteMeta`.
pub(super) fn quote_meta(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if r"\.+*?()|[]{}^$".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// The pattern in the other notation, or Go's error text.
pub(super) fn translate(pattern: &str) -> Result<String, String> {
    let mut reader = Reader {
        pattern,
        at: 0,
        out: String::with_capacity(pattern.len() + 8),
        depth: 0,
        last: Last::Nothing,
    };
    reader.run()?;
    Ok(reader.out)
}

/// What stands before a repetition operator.
#[derive(Clone, Copy, PartialEq)]
enum Last {
    Nothing,
    Atom,
    /// A repetition that began at this byte.
    Repeat(usize),
}

struct Reader<'p> {
    pattern: &'p str,
    at: usize,
    out: String,
    depth: usize,
    last: Last,
}

fn fault<T>(what: &str, part: &str) -> Result<T, String> {
    Err(format!("error parsing regexp: {what}: `{part}`"))
}

impl<'p> Reader<'p> {
    fn rest(&self) -> &'p str {
        self.pattern.get(self.at..).unwrap_or_default()
    }

    fn since(&self, start: usize) -> &'p str {
        self.pattern.get(start..self.at).unwrap_or_default()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.rest().chars().next()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn take(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn run(&mut self) -> Result<(), String> {
        while let Some(c) = self.rest().chars().next() {
            let start = self.at;
            match c {
                '(' => self.group()?,
                ')' => self.close()?,
                '|' => {
                    self.at += 1;
                    self.out.push('|');
                    self.last = Last::Nothing;
                }
                '*' | '+' | '?' => {
                    self.at += 1;
                    self.repeat(start, &c.to_string())?;
                }
                '{' => self.counted()?,
                '[' => self.class()?,
                '\\' => self.escape()?,
                '.' | '^' | '$' => {
                    self.at += 1;
                    self.atom_char(c);
                }
                _ => {
                    self.at += c.len_utf8();
                    self.literal(c);
                }
            }
        }
        if self.depth > 0 { fault("missing closing )", self.pattern) } else { Ok(()) }
    }

    fn atom_char(&mut self, c: char) {
        self.out.push(c);
        self.last = Last::Atom;
    }

    fn atom(&mut self, text: &str) {
        self.out.push_str(text);
        self.last = Last::Atom;
    }

    fn literal(&mut self, c: char) {
        push_literal(c, &mut self.out);
        self.last = Last::Atom;
    }

    fn close(&mut self) -> Result<(), String> {
        if self.depth == 0 {
            return fault("unexpected )", self.pattern);
        }
        self.at += 1;
        self.depth -= 1;
        self.atom_char(')');
        Ok(())
    }

    fn open(&mut self, text: &str) -> Result<(), String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return fault("expression nests too deeply", self.pattern);
        }
        self.out.push_str(text);
        self.last = Last::Nothing;
        Ok(())
    }

    fn group(&mut self) -> Result<(), String> {
        let start = self.at;
        self.at += 1;
        if !self.rest().starts_with('?') {
            return self.open("(");
        }
        for opening in ["?P<", "?<"] {
            if self.take(opening) {
                return self.named(start);
            }
        }
        self.at += 1;
        self.flags(start)
    }

    fn named(&mut self, start: usize) -> Result<(), String> {
        let Some(length) = self.rest().find('>') else {
            return fault("invalid named capture", self.pattern.get(start..).unwrap_or_default());
        };
        let name = self.rest().get(..length).unwrap_or_default();
        self.at += length + 1;
        let valid = !name.is_empty() && name.chars().all(|c| c == '_' || c.is_ascii_alphanumeric());
        if !valid {
            return fault("invalid named capture", self.since(start));
        }
        if self.out.contains(&format!("(?P<{}>", group_name(name))) {
            return self.open("(");
        }
        self.open(&format!("(?P<{}>", group_name(name)))
    }

    fn flags(&mut self, start: usize) -> Result<(), String> {
        let (mut negative, mut any) = (false, false);
        while let Some(c) = self.next() {
            match c {
                'i' | 'm' | 's' | 'U' => any = true,
                '-' if !negative => {
                    negative = true;
                    any = false;
                }
                ':' | ')' if !negative || any => {
                    let text = self.since(start).to_owned();
                    if c == ':' {
                        return self.open(&text);
                    }
                    if text != "(?)" {
                        self.out.push_str(&text);
                    }
                    self.last = Last::Nothing;
                    return Ok(());
                }
                _ => return fault("invalid or unsupported Perl syntax", self.since(start)),
            }
        }
        fault("invalid or unsupported Perl syntax", self.since(start))
    }

    fn repeat(&mut self, start: usize, operator: &str) -> Result<(), String> {
        let lazy = self.take("?");
        match self.last {
            Last::Nothing => return fault("missing argument to repetition operator", self.since(start)),
            Last::Repeat(before) => {
                return fault("invalid nested repetition operator", self.since(before));
            }
            Last::Atom => {}
        }
        self.out.push_str(operator);
        if lazy {
            self.out.push('?');
        }
        self.last = Last::Repeat(start);
        Ok(())
    }

    fn counted(&mut self) -> Result<(), String> {
        let start = self.at;
        let Some((low, high, length)) = read_count(self.rest()) else {
            self.at += 1;
            self.literal('{');
            return Ok(());
        };
        self.at += length;
        let excessive = low > MAX_REPEAT || high.is_some_and(|high| high > MAX_REPEAT || high < low);
        if excessive {
            return fault("invalid repeat count", self.since(start));
        }
        let operator = self.since(start).to_owned();
        self.repeat(start, &operator)
    }

    fn escape(&mut self) -> Result<(), String> {
        let start = self.at;
        self.at += 1;
        let Some(c) = self.next() else {
            return Err("error parsing regexp: trailing backslash at end of expression: ``".to_owned());
        };
        match c {
            'A' => self.atom("\\A"),
            'z' => self.atom("\\z"),
            'b' => self.atom("(?-u:\\b)"),
            'B' => self.atom("(?-u:\\B)"),
            'Q' => self.quoted(),
            'C' => return fault("invalid escape sequence", "\\C"),
            _ => {
                self.at = start;
                match self.class_escape()? {
                    Some(class) => self.atom(&class),
                    None => {
                        let c = self.char_escape()?;
                        self.literal(c);
                    }
                }
            }
        }
        Ok(())
    }

    /// `\Q...\E`.
    fn quoted(&mut self) {
        let length = self.rest().find("\\E").unwrap_or(self.rest().len());
        let text = self.rest().get(..length).unwrap_or_default();
        self.at = (self.at + length + 2).min(self.pattern.len());
        for c in text.chars() {
            self.literal(c);
        }
    }

    /// `\d` and `\pN` and their kin, as a class.
    fn class_escape(&mut self) -> Result<Option<String>, String> {
        let start = self.at;
        let mut chars = self.rest().chars().skip(1);
        let class = match chars.next() {
            Some('d') => "[0-9]",
            Some('D') => "[^0-9]",
            Some('s') => "[\\t\\n\\x0C\\r ]",
            Some('S') => "[^\\t\\n\\x0C\\r ]",
            Some('w') => "[0-9A-Za-z_]",
            Some('W') => "[^0-9A-Za-z_]",
            Some('p' | 'P') => return self.unicode_class(start).map(Some),
            _ => return Ok(None),
        };
        self.at += 2;
        Ok(Some(class.to_owned()))
    }

    fn unicode_class(&mut self, start: usize) -> Result<String, String> {
        let mut negative = self.rest().starts_with("\\P");
        self.at += 2;
        let name = if self.take("{") {
            let Some(length) = self.rest().find('}') else {
                return fault("invalid character class range", self.pattern.get(start..).unwrap_or_default());
            };
            let name = self.rest().get(..length).unwrap_or_default();
            self.at += length + 1;
            name
        } else {
            let from = self.at;
            self.next();
            self.since(from)
        };
        let name = match name.strip_prefix('^') {
            Some(rest) => {
                negative = !negative;
                rest
            }
            None => name,
        };
        let class = format!("\\{}{{{name}}}", if negative { 'P' } else { 'p' });
        if name.is_empty() || regex::Regex::new(&class).is_err() {
            return fault("invalid character class range", self.since(start));
        }
        Ok(class)
    }

    /// An escape that stands for one character.
    fn char_escape(&mut self) -> Result<char, String> {
        let start = self.at;
        self.at += 1;
        let Some(c) = self.next() else {
            return Err("error parsing regexp: trailing backslash at end of expression: ``".to_owned());
        };
        let found = match c {
            'a' => Some('\x07'),
            'f' => Some('\x0c'),
            'n' => Some('\n'),
            'r' => Some('\r'),
            't' => Some('\t'),
            'v' => Some('\x0b'),
            'x' => self.hex(),
            '1'..='7' if !self.rest().starts_with(|c| matches!(c, '0'..='7')) => None,
            '0'..='7' => self.octal(c),
            _ if c.is_ascii() && !c.is_ascii_alphanumeric() => Some(c),
            _ => None,
        };
        match found {
            Some(c) => Ok(c),
            None => fault("invalid escape sequence", self.since(start)),
        }
    }

    fn octal(&mut self, first: char) -> Option<char> {
        let mut code = first.to_digit(8)?;
        for _ in 0..2 {
            let Some(digit) = self.rest().chars().next().and_then(|c| c.to_digit(8)) else { break };
            code = code * 8 + digit;
            self.at += 1;
        }
        char::from_u32(code)
    }

    fn hex(&mut self) -> Option<char> {
        if self.take("{") {
            let length = self.rest().find('}')?;
            let digits = self.rest().get(..length)?;
            self.at += length + 1;
            let valid = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit());
            return if valid { u32::from_str_radix(digits, 16).ok().and_then(char::from_u32) } else { None };
        }
        let (high, low) = (self.next()?.to_digit(16)?, self.next()?.to_digit(16)?);
        char::from_u32(high * 16 + low)
    }

    fn class(&mut self) -> Result<(), String> {
        let start = self.at;
        self.at += 1;
        let mut class = String::from("[");
        if self.take("^") {
            class.push('^');
        }
        let mut first = true;
        loop {
            if self.rest().is_empty() {
                return fault("missing closing ]", self.pattern.get(start..).unwrap_or_default());
            }
            if !first && self.take("]") {
                break;
            }
            // Go refuses a lone `-` before other members, except first and with Perl flags.
            self.member(start, &mut class)?;
            first = false;
        }
        class.push(']');
        self.atom(&class);
        Ok(())
    }

    fn member(&mut self, start: usize, class: &mut String) -> Result<(), String> {
        if self.rest().starts_with("[:")
            && let Some(length) = self.rest().get(2..).and_then(|rest| rest.find(":]"))
        {
            return self.posix(length + 4, class);
        }
        if let Some(escape) = self.class_escape_in_class()? {
            class.push_str(&escape);
            return Ok(());
        }
        let from = self.at;
        let low = self.class_char(start)?;
        let mut high = low;
        let after_dash = self.rest().strip_prefix('-').unwrap_or_default();
        if !after_dash.is_empty() && !after_dash.starts_with(']') {
            self.at += 1;
            high = self.class_char(start)?;
            if high < low {
                return fault("invalid character class range", self.since(from));
            }
        }
        push_class_literal(low, class);
        if high != low {
            class.push('-');
            push_class_literal(high, class);
        }
        Ok(())
    }

    fn class_escape_in_class(&mut self) -> Result<Option<String>, String> {
        if self.rest().starts_with('\\') { self.class_escape() } else { Ok(None) }
    }

    fn class_char(&mut self, start: usize) -> Result<char, String> {
        if self.rest().starts_with('\\') {
            return self.char_escape();
        }
        match self.next() {
            Some(c) => Ok(c),
            None => fault("missing closing ]", self.pattern.get(start..).unwrap_or_default()),
        }
    }

    fn posix(&mut self, length: usize, class: &mut String) -> Result<(), String> {
        const NAMES: [&str; 14] = [
            "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct",
            "space", "upper", "word", "xdigit",
        ];
        let text = self.rest().get(..length).unwrap_or_default();
        let name = text.trim_start_matches("[:").trim_start_matches('^').trim_end_matches(":]");
        if !NAMES.contains(&name) {
            return fault("invalid character class range", text);
        }
        self.at += length;
        class.push_str(text);
        Ok(())
    }
}

/// Names that begin with a digit are not names in the other notation.
fn group_name(name: &str) -> String {
    if name.starts_with(|c: char| c.is_ascii_digit()) { format!("_{name}") } else { name.to_owned() }
}

fn push_literal(c: char, out: &mut String) {
    if c.is_ascii_alphanumeric() || !c.is_ascii() || c == '_' || c == ' ' {
        out.push(c);
    } else {
        // Writing to a string cannot fail.
        let _ = write!(out, "\\x{:02X}", u32::from(c));
    }
}

fn push_class_literal(c: char, out: &mut String) {
    push_literal(c, out);
}

/// `{2}`, `{2,}`, `{2,3}`: bounds and length.
fn read_count(text: &str) -> Option<(u32, Option<u32>, usize)> {
    let end = text.find('}')?;
    let inner = text.get(1..end)?;
    let number = |text: &str| {
        let valid = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let plain = text == "0" || !text.starts_with('0');
        (valid && plain).then(|| text.parse().unwrap_or(u32::MAX))
    };
    let (low, high) = match inner.split_once(',') {
        None => (number(inner)?, Some(number(inner)?)),
        Some((low, "")) => (number(low)?, None),
        Some((low, high)) => (number(low)?, Some(number(high)?)),
    };
    Some((low, high, end + 1))
}

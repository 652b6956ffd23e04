//! `fmt.Sprintf` over the arguments that OPA passes: integers, floats and strings; and over what templates hold.
//!
//! The one surprising fact: nothing fails; a wrong verb, a missing or a surplus argument shows in
//! the text (`%!d(string=x)`), with width and flags still applied.

use super::{is_printable, quote_with};
use num_bigint::{BigInt, Sign};

/// An argument.
#[derive(Clone, Debug)]
pub(crate) enum Arg {
    /// Go's `int64`.
    Int(i64),
    /// Go's `*big.Int`.
    Big(BigInt),
    /// Go's `float64`.
    Float(f64),
    /// Go's `string`.
    Text(String),
    /// Go's `int`.
    Word(i64),
    /// Go's `json.Number`, a string with a name.
    Number(String),
    /// Go's `bool`.
    Bool(bool),
    /// Go's `nil`.
    Nil,
    /// Go's `[]interface {}`.
    List(Vec<Arg>),
    /// Go's `map[string]interface {}`, by key.
    Map(Vec<(String, Arg)>),
}

impl Arg {
    fn type_name(&self) -> &'static str {
        match self {
            Self::Int(_) => "int64",
            Self::Big(_) => "*big.Int",
            Self::Float(_) => "float64",
            Self::Text(_) => "string",
            Self::Word(_) => "int",
            Self::Number(_) => "json.Number",
            Self::Bool(_) => "bool",
            Self::Nil => "<nil>",
            Self::List(_) => "[]interface {}",
            Self::Map(_) => "map[string]interface {}",
        }
    }
}

/// Widths and precisions beyond this are taken as absent.
const TOO_LARGE: i64 = 1_000_000;

#[derive(Clone, Copy, Default)]
struct Flags {
    sharp: bool,
    zero: bool,
    plus: bool,
    minus: bool,
    space: bool,
    /// `%#v`.
    sharp_v: bool,
    /// `%+v`.
    plus_v: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

/// The text of a format with its arguments.
pub(crate) fn sprintf(format: &str, args: &[Arg]) -> String {
    let mut printer = Printer {
        format,
        at: 0,
        args,
        next: 0,
        reordered: false,
        good_index: true,
        flags: Flags::default(),
        out: String::with_capacity(format.len()),
    };
    printer.run();
    printer.out
}

struct Printer<'f> {
    format: &'f str,
    at: usize,
    args: &'f [Arg],
    next: usize,
    reordered: bool,
    good_index: bool,
    flags: Flags,
    out: String,
}

impl Printer<'_> {
    fn rest(&self) -> &str {
        self.format.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.format.as_bytes().get(self.at).copied()
    }

    fn run(&mut self) {
        loop {
            let literal = self.rest().find('%').unwrap_or(self.rest().len());
            let text = self.rest().get(..literal).unwrap_or_default().to_owned();
            self.out.push_str(&text);
            self.at += literal;
            if self.peek().is_none() {
                break;
            }
            self.at += 1;
            self.directive();
        }
        self.surplus();
    }

    fn directive(&mut self) {
        self.good_index = true;
        self.flags = Flags::default();
        self.read_flags();
        let mut after_index = self.read_index();
        after_index = self.read_width(after_index);
        after_index = self.read_precision(after_index);
        if !after_index {
            self.read_index();
        }
        match self.rest().chars().next() {
            None => self.out.push_str("%!(NOVERB)"),
            Some(verb) => {
                self.at += verb.len_utf8();
                self.perform(verb);
            }
        }
    }

    fn read_flags(&mut self) {
        while let Some(byte) = self.peek() {
            match byte {
                b'#' => self.flags.sharp = true,
                b'0' => self.flags.zero = true,
                b'+' => self.flags.plus = true,
                b'-' => self.flags.minus = true,
                b' ' => self.flags.space = true,
                _ => break,
            }
            self.at += 1;
        }
    }

    /// `[3]`: the argument to take next.
    fn read_index(&mut self) -> bool {
        if self.peek() != Some(b'[') {
            return false;
        }
        self.reordered = true;
        let Some(close) = self.rest().find(']').filter(|_| self.rest().len() >= 3) else {
            self.good_index = false;
            self.at += 1;
            return false;
        };
        let index = self.rest().get(1..close).and_then(read_number);
        self.at += close + 1;
        match index.and_then(|n| n.checked_sub(1)) {
            Some(index) if index < self.args.len() => {
                self.next = index;
                true
            }
            _ => {
                self.good_index = false;
                index.is_some()
            }
        }
    }

    fn digits(&mut self) -> Option<usize> {
        let count = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        let number = self.rest().get(..count).and_then(read_number);
        self.at += count;
        if number.is_none() && count > 0 {
            self.at = self.format.len();
        }
        number
    }

    /// The argument of a `*`.
    fn star(&mut self) -> Option<i64> {
        let arg = self.args.get(self.next)?;
        self.next += 1;
        match arg {
            Arg::Int(i) | Arg::Word(i) if i.unsigned_abs() <= TOO_LARGE.unsigned_abs() => Some(*i),
            _ => None,
        }
    }

    fn read_width(&mut self, after_index: bool) -> bool {
        if self.peek() == Some(b'*') {
            self.at += 1;
            match self.star() {
                None => self.out.push_str("%!(BADWIDTH)"),
                Some(width) => {
                    if width < 0 {
                        self.flags.minus = true;
                        self.flags.zero = false;
                    }
                    self.flags.width = usize::try_from(width.unsigned_abs()).ok();
                }
            }
            return false;
        }
        self.flags.width = self.digits();
        if after_index && self.flags.width.is_some() {
            self.good_index = false;
        }
        after_index
    }

    fn read_precision(&mut self, after_index: bool) -> bool {
        if self.peek() != Some(b'.') {
            return after_index;
        }
        self.at += 1;
        if after_index {
            self.good_index = false;
        }
        let after_index = self.read_index();
        if self.peek() == Some(b'*') {
            self.at += 1;
            self.flags.precision = self.star().and_then(|p| usize::try_from(p).ok());
            if self.flags.precision.is_none() {
                self.out.push_str("%!(BADPREC)");
            }
            return false;
        }
        self.flags.precision = Some(self.digits().unwrap_or(0));
        after_index
    }

    fn perform(&mut self, verb: char) {
        if verb == '%' {
            self.out.push('%');
        } else if !self.good_index {
            self.complain(verb, "(BADINDEX)");
        } else if let Some(arg) = self.args.get(self.next) {
            self.next += 1;
            if verb == 'v' {
                self.flags.sharp_v = std::mem::take(&mut self.flags.sharp);
                self.flags.plus_v = std::mem::take(&mut self.flags.plus);
            }
            let arg = arg.clone();
            self.print(&arg, verb);
        } else {
            self.complain(verb, "(MISSING)");
        }
    }

    fn complain(&mut self, verb: char, what: &str) {
        self.out.push_str("%!");
        self.out.push(verb);
        self.out.push_str(what);
    }

    fn surplus(&mut self) {
        let left = self.args.get(self.next..).unwrap_or_default();
        if self.reordered || left.is_empty() {
            return;
        }
        self.flags = Flags::default();
        self.out.push_str("%!(EXTRA ");
        for (position, arg) in left.iter().enumerate() {
            if position > 0 {
                self.out.push_str(", ");
            }
            self.typed(arg);
        }
        self.out.push(')');
    }

    fn typed(&mut self, arg: &Arg) {
        if matches!(arg, Arg::Nil) {
            return self.out.push_str("<nil>");
        }
        self.out.push_str(arg.type_name());
        self.out.push('=');
        self.print(arg, 'v');
    }

    fn bad_verb(&mut self, arg: &Arg, verb: char) {
        self.complain(verb, "(");
        self.typed(arg);
        self.out.push(')');
    }

    fn print(&mut self, arg: &Arg, verb: char) {
        if verb == 'T' {
            return self.text(arg.type_name());
        }
        match arg {
            Arg::Int(i) | Arg::Word(i) => self.integer(arg, *i, verb),
            Arg::Big(i) => self.big(i, verb),
            Arg::Float(f) => self.float(arg, *f, verb),
            Arg::Text(text) | Arg::Number(text) => self.string(arg, text, verb),
            Arg::Bool(b) if matches!(verb, 't' | 'v') => self.pad(if *b { "true" } else { "false" }),
            Arg::Nil if verb == 'v' => self.pad("<nil>"),
            Arg::Bool(_) | Arg::Nil => self.bad_verb(arg, verb),
            Arg::List(items) => self.list(items, verb),
            Arg::Map(members) => self.map(members, verb),
        }
    }

    /// Width and precision hold for each element. (`%p` shows addresses in Go; here its elements, which are the same
    /// whenever the policy is asked.)
    fn list(&mut self, items: &[Arg], verb: char) {
        let [open, between, close] =
            if self.flags.sharp_v { ["[]interface {}{", ", ", "}"] } else { ["[", " ", "]"] };
        self.out.push_str(open);
        for (position, item) in items.iter().enumerate() {
            self.out.push_str(if position > 0 { between } else { "" });
            self.element(item, verb);
        }
        self.out.push_str(close);
    }

    fn map(&mut self, members: &[(String, Arg)], verb: char) {
        let [open, between, close] =
            if self.flags.sharp_v { ["map[string]interface {}{", ", ", "}"] } else { ["map[", " ", "]"] };
        self.out.push_str(open);
        for (position, (name, value)) in members.iter().enumerate() {
            self.out.push_str(if position > 0 { between } else { "" });
            self.print(&Arg::Text(name.clone()), verb);
            self.out.push(':');
            self.element(value, verb);
        }
        self.out.push_str(close);
    }

    /// A `nil` inside of something is printed whatever the verb, and not padded.
    fn element(&mut self, arg: &Arg, verb: char) {
        match arg {
            Arg::Nil if self.flags.sharp_v => self.out.push_str("interface {}(nil)"),
            Arg::Nil => self.out.push_str("<nil>"),
            arg => self.print(arg, verb),
        }
    }

    /// Writes a text of a field, padded to the width.
    fn pad(&mut self, text: &str) {
        let padding = self.flags.width.unwrap_or(0).saturating_sub(text.chars().count());
        if self.flags.minus {
            self.out.push_str(text);
            self.fill(padding);
        } else {
            self.fill(padding);
            self.out.push_str(text);
        }
    }

    fn fill(&mut self, count: usize) {
        let filler = if self.flags.zero && !self.flags.minus { '0' } else { ' ' };
        self.out.extend(std::iter::repeat_n(filler, count));
    }

    fn pad_with_spaces(&mut self, text: &str) {
        let zero = std::mem::take(&mut self.flags.zero);
        self.pad(text);
        self.flags.zero = zero;
    }

    fn integer(&mut self, arg: &Arg, i: i64, verb: char) {
        match verb {
            'v' | 'd' => self.digits_of(i, 10, verb),
            'b' => self.digits_of(i, 2, verb),
            'o' | 'O' => self.digits_of(i, 8, verb),
            'x' | 'X' => self.digits_of(i, 16, verb),
            'c' => {
                let c = character(i);
                self.pad(c.encode_utf8(&mut [0; 4]));
            }
            'q' => {
                let quoted = quote_with(character(i).encode_utf8(&mut [0; 4]), '\'', self.flags.plus);
                self.pad(&quoted);
            }
            'U' => self.code_point(i),
            _ => self.bad_verb(arg, verb),
        }
    }

    fn digits_of(&mut self, i: i64, base: u32, verb: char) {
        if self.flags.precision == Some(0) && i == 0 {
            return self.pad_with_spaces("");
        }
        let mut digits = BigInt::from(i.unsigned_abs()).to_str_radix(base);
        if verb == 'X' {
            digits.make_ascii_uppercase();
        }
        let sign = self.sign(i < 0);
        let wanted = match (self.flags.precision, self.flags.width) {
            (Some(precision), _) => precision,
            (None, Some(width)) if self.flags.zero && !self.flags.minus => width - sign.len().min(width),
            _ => 0,
        };
        let zeros = "0".repeat(wanted.saturating_sub(digits.len()));
        let digits = format!("{zeros}{digits}");
        let prefix = self.base_prefix(&digits, base, verb);
        self.pad_with_spaces(&format!("{sign}{prefix}{digits}"));
    }

    fn sign(&self, negative: bool) -> &'static str {
        match (negative, self.flags.plus, self.flags.space) {
            (true, ..) => "-",
            (_, true, _) => "+",
            (_, _, true) => " ",
            _ => "",
        }
    }

    fn base_prefix(&self, digits: &str, base: u32, verb: char) -> &'static str {
        match (base, verb) {
            (_, 'O') => "0o",
            _ if !self.flags.sharp => "",
            (2, _) => "0b",
            (8, _) if !digits.starts_with('0') => "0",
            (16, 'X') => "0X",
            (16, _) => "0x",
            _ => "",
        }
    }

    fn code_point(&mut self, i: i64) {
        let width = self.flags.precision.unwrap_or(4).max(4);
        let mut text = format!("U+{i:0width$X}");
        if self.flags.sharp
            && let Some(c) = u32::try_from(i).ok().and_then(char::from_u32)
            && is_printable(c)
        {
            text.push_str(&format!(" '{c}'"));
        }
        self.pad_with_spaces(&text);
    }

    fn big(&mut self, i: &BigInt, verb: char) {
        let base = match verb {
            'b' => 2,
            'o' | 'O' => 8,
            'd' | 's' | 'v' => 10,
            'x' | 'X' => 16,
            _ => return self.complain(verb, &format!("(big.Int={i})")),
        };
        let mut digits = i.magnitude().to_str_radix(base);
        if verb == 'X' {
            digits.make_ascii_uppercase();
        }
        let plus = self.flags.plus || self.flags.plus_v;
        let sign = match (i.sign(), plus, self.flags.space) {
            (Sign::Minus, ..) => "-",
            (_, true, _) => "+",
            (_, _, true) => " ",
            _ => "",
        };
        let prefix = match (verb, self.flags.sharp) {
            ('O', _) => "0o",
            ('b', true) => "0b",
            ('o', true) => "0",
            ('x', true) => "0x",
            ('X', true) => "0X",
            _ => "",
        };
        let mut zeros = self.flags.precision.unwrap_or(0).saturating_sub(digits.len());
        let length = sign.len() + prefix.len() + zeros + digits.len();
        let missing = self.flags.width.unwrap_or(0).saturating_sub(length);
        let (mut left, mut right) = (0, 0);
        match (self.flags.minus, self.flags.zero && self.flags.precision.is_none()) {
            (true, _) => right = missing,
            (_, true) => zeros = missing,
            _ => left = missing,
        }
        self.out.extend(std::iter::repeat_n(' ', left));
        self.out.push_str(sign);
        self.out.push_str(prefix);
        self.out.extend(std::iter::repeat_n('0', zeros));
        self.out.push_str(&digits);
        self.out.extend(std::iter::repeat_n(' ', right));
    }

    fn float(&mut self, arg: &Arg, f: f64, verb: char) {
        let (style, default) = match verb {
            'v' | 'g' => ('g', None),
            'G' => ('G', None),
            'e' | 'E' => (verb, Some(6)),
            'f' | 'F' => ('f', Some(6)),
            'b' | 'x' | 'X' => (verb, None),
            _ => return self.bad_verb(arg, verb),
        };
        let precision = self.flags.precision.or(default);
        let mut text = float_text(f.abs(), style, precision);
        if self.flags.sharp && style != 'b' {
            text = with_point(&text, style, precision);
        }
        let sign = if f.is_sign_negative() { "-" } else { self.sign(false) };
        let length = sign.len() + text.chars().count();
        let padding = self.flags.width.unwrap_or(0).saturating_sub(length);
        if !sign.is_empty() && self.flags.zero && !self.flags.minus && padding > 0 {
            self.out.push_str(sign);
            self.out.extend(std::iter::repeat_n('0', padding));
            self.out.push_str(&text);
        } else {
            self.pad(&format!("{sign}{text}"));
        }
    }

    fn string(&mut self, arg: &Arg, text: &str, verb: char) {
        match verb {
            'v' if self.flags.sharp_v => self.quoted(text),
            'v' | 's' => self.text(text),
            'q' => self.quoted(text),
            'x' => self.hex(text, false),
            'X' => self.hex(text, true),
            _ => self.bad_verb(arg, verb),
        }
    }

    fn truncated<'t>(&self, text: &'t str) -> &'t str {
        let Some(precision) = self.flags.precision else { return text };
        let end = text.char_indices().nth(precision).map_or(text.len(), |(at, _)| at);
        text.get(..end).unwrap_or(text)
    }

    fn text(&mut self, text: &str) {
        let text = self.truncated(text);
        self.pad(text);
    }

    fn quoted(&mut self, text: &str) {
        let text = self.truncated(text);
        let quoted = if self.flags.sharp && can_backquote(text) {
            format!("`{text}`")
        } else {
            quote_with(text, '"', self.flags.plus)
        };
        self.pad(&quoted);
    }

    fn hex(&mut self, text: &str, upper: bool) {
        let prefix = match (self.flags.sharp, upper) {
            (false, _) => "",
            (true, false) => "0x",
            (true, true) => "0X",
        };
        let limit = self.flags.precision.unwrap_or(usize::MAX);
        let mut out = String::new();
        for (position, byte) in govc_value::bytes::bytes_of(text).iter().take(limit).enumerate() {
            if self.flags.space && position > 0 {
                out.push(' ');
            }
            if position == 0 || self.flags.space {
                out.push_str(prefix);
            }
            out.push_str(&if upper { format!("{byte:02X}") } else { format!("{byte:02x}") });
        }
        self.pad(&out);
    }
}

fn read_number(text: &str) -> Option<usize> {
    let valid = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let number = if valid { text.parse::<i64>().ok() } else { None };
    number.filter(|n| *n <= TOO_LARGE).and_then(|n| usize::try_from(n).ok())
}

fn character(i: i64) -> char {
    u32::try_from(i).ok().and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn can_backquote(text: &str) -> bool {
    text.chars().all(|c| c != '\u{feff}' && c != '`' && c != '\x7f' && (c >= ' ' || c == '\t'))
}

/// `strconv.FormatFloat` of a number that is not negative; no precision means the shortest text.
pub(crate) fn float_text(f: f64, style: char, precision: Option<usize>) -> String {
    match (style, precision) {
        ('e' | 'E', Some(precision)) => exponent_text(&format!("{f:.precision$e}"), style),
        ('e' | 'E', None) => exponent_text(&format!("{f:e}"), style),
        ('f', Some(precision)) => format!("{f:.precision$}"),
        ('f', None) => format!("{f}"),
        ('g' | 'G', precision) => general_text(f, style, precision),
        ('b', _) => binary_text(f),
        _ => hexadecimal_text(f, style, precision),
    }
}

/// Rust's `1.5e7` as Go's `1.5e+07`.
fn exponent_text(text: &str, style: char) -> String {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}{style}{sign}{:02}", exponent.unsigned_abs())
}

fn general_text(f: f64, style: char, precision: Option<usize>) -> String {
    let e = if style == 'G' { 'E' } else { 'e' };
    let scientific = match precision {
        None => format!("{f:e}"),
        Some(precision) => format!("{f:.*e}", precision.max(1) - 1),
    };
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i64 = exponent.parse().unwrap_or(0);
    let trimmed =
        if mantissa.contains('.') { mantissa.trim_end_matches('0').trim_end_matches('.') } else { mantissa };
    let digits = trimmed.bytes().filter(u8::is_ascii_digit).count();
    let mut limit = precision.map_or(6, |p| i64::try_from(p.max(1)).unwrap_or(i64::MAX));
    let (count, point) = (i64::try_from(digits).unwrap_or(i64::MAX), exponent + 1);
    if precision.is_some() && limit > count && count >= point {
        limit = count;
    }
    if exponent < -4 || exponent >= limit {
        return exponent_text(&format!("{trimmed}e{exponent}"), e);
    }
    let decimals = usize::try_from((count - point).max(0)).unwrap_or(0);
    format!("{f:.decimals$}")
}

fn parts(f: f64) -> (u64, i64) {
    let bits = f.to_bits();
    let exponent = ((bits >> 52) & 0x7ff).cast_signed();
    let fraction = bits & ((1 << 52) - 1);
    if exponent == 0 { (fraction, -1074) } else { (fraction | (1 << 52), exponent - 1075) }
}

fn binary_text(f: f64) -> String {
    let (mantissa, exponent) = parts(f);
    format!("{mantissa}p{}{}", if exponent < 0 { '-' } else { '+' }, exponent.unsigned_abs())
}

fn hexadecimal_text(f: f64, style: char, precision: Option<usize>) -> String {
    let (mut mantissa, mut exponent) = parts(f);
    if mantissa == 0 {
        exponent = -52;
    }
    while mantissa != 0 && mantissa & (1 << 52) == 0 {
        mantissa <<= 1;
        exponent -= 1;
    }
    exponent += 52;
    if let Some(precision) = precision.filter(|p| *p < 13) {
        let drop = (13 - precision) * 4;
        let lost = mantissa & ((1 << drop) - 1);
        mantissa >>= drop;
        let half = 1 << (drop - 1);
        if lost > half || lost == half && mantissa & 1 == 1 {
            mantissa += 1;
        }
        mantissa <<= drop;
        if mantissa >> 53 != 0 {
            mantissa >>= 1;
            exponent += 1;
        }
    }
    let fraction = format!("{:013x}", mantissa & ((1 << 52) - 1));
    let fraction = match precision {
        None => fraction.trim_end_matches('0').to_owned(),
        Some(precision) => format!("{fraction:0<precision$}").chars().take(precision).collect(),
    };
    let point = if fraction.is_empty() { "" } else { "." };
    let sign = if exponent < 0 { '-' } else { '+' };
    let text = format!("0x{}{point}{fraction}p{sign}{:02}", mantissa >> 52, exponent.unsigned_abs());
    if style == 'X' { text.to_uppercase() } else { text }
}

/// `%#g` and its kin: always a decimal point, and trailing zeros up to the precision.
fn with_point(text: &str, style: char, precision: Option<usize>) -> String {
    let mut missing = match style {
        'g' | 'G' | 'x' => i64::try_from(precision.unwrap_or(6)).unwrap_or(0),
        _ => 0,
    };
    let hex = matches!(style, 'x' | 'X');
    let tail_at = text.find(|c| matches!(c, 'p' | 'P') || !hex && matches!(c, 'e' | 'E'));
    let (number, tail) = text.split_at(tail_at.unwrap_or(text.len()));
    let significant = number.chars().filter(|c| *c != '.').skip_while(|c| *c == '0').count();
    missing -= i64::try_from(significant).unwrap_or(0);
    let mut number = number.to_owned();
    if !number.contains('.') {
        if number == "0" {
            missing -= 1;
        }
        number.push('.');
    }
    number.extend(std::iter::repeat_n('0', usize::try_from(missing).unwrap_or(0)));
    number + tail
}

//! Ground values of a program. Numbers are kept as text: only the value model decides what they mean.

/// A ground value.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Literal {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number as its JSON text.
    Number(String),
    /// A string.
    String(String),
    /// An array.
    Array(Vec<Literal>),
    /// An object; keys need not be sorted.
    Object(Vec<(Literal, Literal)>),
    /// A set; elements need not be sorted or distinct.
    Set(Vec<Literal>),
}

/// Deepest nesting of a literal that is read.
pub(crate) const MAX_DEPTH: u32 = 256;

/// Is this text a JSON number? An optional minus, digits without leading zeros, fraction, exponent.
pub(crate) fn is_number(text: &str) -> bool {
    let rest = text.strip_prefix('-').unwrap_or(text);
    let Some(rest) = integer_part(rest) else { return false };
    let Some(rest) = fraction(rest) else { return false };
    exponent(rest)
}

fn integer_part(text: &str) -> Option<&str> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let leading_zero = digits > 1 && text.starts_with('0');
    (digits > 0 && !leading_zero).then(|| &text[digits..])
}

fn fraction(text: &str) -> Option<&str> {
    let Some(rest) = text.strip_prefix('.') else { return Some(text) };
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    (digits > 0).then(|| &rest[digits..])
}

fn exponent(text: &str) -> bool {
    let Some(rest) = text.strip_prefix(['e', 'E']) else { return text.is_empty() };
    let digits = rest.strip_prefix(['+', '-']).unwrap_or(rest);
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

//! Numbers: exact integers of any size, and OPA's decimals for the rest.
//!
//! The surprising fact: in OPA a number *is* its source text. `1.0`, `1` and `1e0` are equal and print
//! differently. So a text is turned into an integer or a float only where printing gives it back.

mod arithmetic;
mod decimal;
mod wide;

pub use arithmetic::ArithmeticError;
use decimal::Decimal;
pub(crate) use decimal::write_plain;
use num_bigint::BigInt;
use std::cmp::Ordering;
use std::fmt;

/// Why a text is no number.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NumberError {
    /// Not a JSON number.
    Syntax,
    /// The exponent is beyond the range that OPA reads.
    Range,
}

impl fmt::Display for NumberError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NumberError::Syntax => "not a number",
            NumberError::Range => "number too big",
        })
    }
}

impl std::error::Error for NumberError {}

/// A number: an integer, a float that prints as OPA prints it, or a text that must be kept.
#[derive(Clone, Copy, Debug)]
pub enum Number<'a> {
    /// An integer of 64 bits.
    Int(i64),
    /// A finite float that is no integer and prints as Go's `%g` prints it.
    Float(f64),
    /// Everything else: a big integer, a decimal with more digits than a float holds, or another way to
    /// write a number, as its JSON text.
    Text(&'a str),
}

/// Decimal digits before the point, or zeros behind it, that a number may have: OPA reads binary
/// exponents up to 100,000.
const MOST_DIGITS: i64 = 30_103;

/// Bytes of a number's text: bounds the work of exact arithmetic. Picked by gut feeling.
const LONGEST: usize = 1 << 16;

/// How a number's text is kept.
pub(crate) enum Class {
    Int(i64),
    Float(f64),
    Text,
}

/// Reads a JSON number.
pub(crate) fn classify(text: &str) -> Result<Class, NumberError> {
    if let Some(i) = plain_int(text) {
        return Ok(Class::Int(i));
    }
    let decimal = Decimal::parse(text).ok_or(NumberError::Syntax)?;
    let magnitude = decimal.magnitude();
    if text.len() > LONGEST || magnitude.is_some_and(|m| m.abs() > MOST_DIGITS) {
        return Err(NumberError::Range);
    }
    if decimal.is_integer() {
        return Ok(Class::Text);
    }
    match text.parse::<f64>() {
        Ok(f) if f.is_finite() && f.fract() != 0.0 && prints_as(f, text, &decimal) => Ok(Class::Float(f)),
        _ => Ok(Class::Text),
    }
}

/// An integer that printing gives back: no `-0`, no leading zero, no exponent.
fn plain_int(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text).as_bytes();
    let first = *digits.first()?;
    let plain = digits.iter().all(u8::is_ascii_digit) && (first != b'0' || text == "0");
    if plain { text.parse().ok() } else { None }
}

/// Would Go's `%g` print the float as this text?
fn prints_as(f: f64, text: &str, decimal: &Decimal<'_>) -> bool {
    // Up to 15 digits survive the way through a float, so the shape of the text decides.
    if decimal.significant() <= 15 && !text.contains(['e', 'E']) {
        return !text.ends_with('0') && decimal.magnitude().is_some_and(|m| (-3..=6).contains(&m));
    }
    let mut printed = String::with_capacity(24);
    write_general(f, &mut printed);
    printed == text
}

/// Shortest digits of a float, and where the point stands: 0.d1d2d3.. x 10^point.
pub(crate) fn shortest_digits(f: f64) -> (String, i32) {
    let scientific = format!("{:e}", f.abs());
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let digits = mantissa.chars().filter(char::is_ascii_digit).collect();
    // Rust always writes an integer there.
    (digits, exponent.parse::<i32>().unwrap_or(0) + 1)
}

/// Go's `strconv.FormatFloat(f, 'g', -1, 64)`: with an exponent below 10^-4 and from 10^6 on.
pub(crate) fn write_general(f: f64, out: &mut String) {
    if f.is_sign_negative() {
        out.push('-');
    }
    if f == 0.0 {
        out.push('0');
        return;
    }
    let (digits, point) = shortest_digits(f);
    decimal::write_general(&digits, i64::from(point), out);
}

impl<'a> Number<'a> {
    /// The integer, if it is one that fits 64 bits (also `1.0` and `1e2`).
    pub fn as_int(self) -> Option<i64> {
        match self {
            Number::Int(i) => Some(i),
            Number::Float(_) => None,
            Number::Text(_) => self.to_bigint().and_then(|i| i64::try_from(i).ok()),
        }
    }

    /// The position in an array that it stands for: digits, and behind a point only zeros.
    pub fn as_index(self) -> Option<usize> {
        match self {
            Number::Int(i) => usize::try_from(i).ok(),
            Number::Float(_) => None,
            Number::Text(text) => {
                let (whole, zeros) = text.split_once('.').unwrap_or((text, ""));
                let fits = text.trim_start_matches('-').len() <= 19 && zeros.bytes().all(|b| b == b'0');
                fits.then(|| whole.parse::<i64>().ok()).flatten().and_then(|i| usize::try_from(i).ok())
            }
        }
    }

    /// The integer, if it is one.
    pub fn to_bigint(self) -> Option<BigInt> {
        match self {
            Number::Int(i) => Some(BigInt::from(i)),
            Number::Float(_) => None,
            Number::Text(text) => Decimal::parse(text)?.to_bigint(),
        }
    }

    /// Is it a whole number, however it is written?
    pub fn is_integer(self) -> bool {
        match self {
            Number::Int(_) => true,
            Number::Float(_) => false,
            Number::Text(text) => Decimal::parse(text).is_some_and(|d| d.is_integer()),
        }
    }

    /// The nearest float; infinite beyond the range of floats.
    pub fn to_f64(self) -> f64 {
        match self {
            Number::Int(i) => i as f64,
            Number::Float(f) => f,
            Number::Text(text) => text.parse().unwrap_or(f64::NAN),
        }
    }

    /// -1, 0 or 1.
    pub fn signum(self) -> i32 {
        match self {
            Number::Int(i) => i.signum() as i32,
            Number::Float(f) => {
                if f < 0.0 {
                    -1
                } else {
                    1
                }
            }
            Number::Text(text) => Decimal::parse(text).map_or(0, |d| d.signum()),
        }
    }

    /// Equal for equal numbers.
    pub(crate) fn hash_bits(self) -> u64 {
        // Equal decimals have the same nearest float; integers that fit hash as such on every way.
        match self.as_int() {
            Some(i) => i as u64,
            None => self.to_f64().to_bits(),
        }
    }

    /// Appends the number as OPA prints it, which is also its JSON text.
    pub fn write(self, out: &mut String) {
        match self {
            Number::Int(i) => {
                use fmt::Write;
                // Writing to a string cannot fail.
                let _ = write!(out, "{i}");
            }
            Number::Float(f) => write_general(f, out),
            Number::Text(text) => out.push_str(text),
        }
    }

    fn compare_texts(self, other: Number<'_>) -> Ordering {
        let (mut a, mut b) = (String::new(), String::new());
        self.write(&mut a);
        other.write(&mut b);
        decimal::compare(&a, &b)
    }
}

impl fmt::Display for Number<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        self.write(&mut text);
        f.write_str(&text)
    }
}

impl PartialEq for Number<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Number<'_> {}

impl PartialOrd for Number<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        match (*self, *other) {
            (Number::Int(a), Number::Int(b)) => a.cmp(&b),
            (Number::Float(a), Number::Float(b)) => a.total_cmp(&b),
            (Number::Int(a), Number::Float(b)) => compare_int_float(a, b),
            (Number::Float(a), Number::Int(b)) => compare_int_float(b, a).reverse(),
            (Number::Text(a), Number::Text(b)) => decimal::compare(a, b),
            _ => self.compare_texts(*other),
        }
    }
}

/// The float is no integer, so it is below 2^52 and its whole part is exact.
fn compare_int_float(a: i64, b: f64) -> Ordering {
    let whole = b.trunc() as i64;
    a.cmp(&whole).then(if b > 0.0 { Ordering::Less } else { Ordering::Greater })
}

/// Is the text, which is a JSON number, exactly this number?
pub(crate) fn same_decimal(text: &str, number: Number<'_>) -> bool {
    let mut own = String::new();
    number.write(&mut own);
    decimal::compare_exactly(text, &own).is_eq()
}

/// Appends the number with all its digits and in one way only: an exponent beyond 21 places, no zeros
/// that say nothing.
pub(crate) fn write_normal(number: Number<'_>, out: &mut String) {
    let mut text = String::new();
    number.write(&mut text);
    match Decimal::parse(&text) {
        Some(decimal) => decimal.write_normal(out),
        None => out.push_str(&text),
    }
}

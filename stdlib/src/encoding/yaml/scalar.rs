//! What a scalar stands for.
//!
//! The one surprising fact: only the first character decides whether a plain scalar may be anything
//! but a text.

use crate::encoding::{Alphabet, base64_bytes};
use crate::go::fmt::float_text;
use crate::go::layout;

/// A resolved scalar.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Scalar {
    Null,
    Bool(bool),
    Int(i128),
    Float(f64),
    Text(String),
    Bytes(Vec<u8>),
}

impl Scalar {
    fn tag(&self) -> &'static str {
        match self {
            Self::Null => "!!null",
            Self::Bool(_) => "!!bool",
            Self::Int(_) => "!!int",
            Self::Float(_) => "!!float",
            Self::Text(_) => "!!str",
            Self::Bytes(_) => "!!binary",
        }
    }

    /// As a key of a JSON object.
    pub(super) fn key(&self) -> Result<String, String> {
        Ok(match self {
            Self::Null => return Err("unsupported map key of type: %!s(<nil>)".to_owned()),
            Self::Bool(b) => b.to_string(),
            Self::Int(i) => i.to_string(),
            Self::Float(f) => float_key(*f),
            Self::Text(text) => text.clone(),
            Self::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        })
    }
}

/// Go prints keys with the precision of 32 bits.
#[expect(clippy::cast_possible_truncation, reason = "Go prints keys with the precision of 32 bits")]
fn float_key(f: f64) -> String {
    if f.is_nan() {
        return ".nan".to_owned();
    }
    if f.is_infinite() {
        return if f > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let shortest: f64 = (f as f32).to_string().parse().unwrap_or(f);
    signed(shortest)
}

/// `strconv.FormatFloat(f, 'g', -1, 64)`.
pub(super) fn signed(f: f64) -> String {
    let sign = if f.is_sign_negative() { "-" } else { "" };
    format!("{sign}{}", float_text(f.abs(), 'g', None))
}

/// A float as Go's JSON writes it.
pub(super) fn json_float(f: f64) -> Result<String, String> {
    if !f.is_finite() {
        let name = if f.is_nan() {
            "NaN"
        } else if f > 0.0 {
            "+Inf"
        } else {
            "-Inf"
        };
        return Err(format!("json: unsupported value: {name}"));
    }
    let size = f.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        return Ok(signed_exponent(f));
    }
    Ok(format!("{f}"))
}

fn signed_exponent(f: f64) -> String {
    let sign = if f.is_sign_negative() { "-" } else { "" };
    let text = float_text(f.abs(), 'e', None);
    format!("{sign}{}", text.replace("e-0", "e-"))
}

/// Resolves a scalar by its tag, or by its text where it has none and is plain.
///
/// # Errors
/// When the text does not fit the tag.
pub(super) fn resolve(tag: Option<&str>, plain: bool, text: &str) -> Result<Scalar, String> {
    let found = match tag {
        None if plain => untagged(text),
        None | Some("!!str" | "!") => Scalar::Text(text.to_owned()),
        Some("!!binary") => {
            let bytes = base64_bytes(text.as_bytes(), Alphabet::Standard, true);
            Scalar::Bytes(bytes.map_err(|_| "yaml: !!binary value contains invalid base64 data".to_owned())?)
        }
        Some("!!bool" | "!!int" | "!!float" | "!!null" | "!!timestamp") => untagged(text),
        Some(_) => Scalar::Text(text.to_owned()),
    };
    match (tag, &found) {
        (Some("!!float"), Scalar::Int(i)) => {
            #[expect(clippy::cast_precision_loss, reason = "the tag asks for a float")]
            let float = *i as f64;
            Ok(Scalar::Float(float))
        }
        (Some(tag @ ("!!bool" | "!!int" | "!!float" | "!!null")), found) if found.tag() != tag => {
            Err(format!("yaml: cannot decode {} `{text}` as a {tag}", found.tag()))
        }
        _ => Ok(found),
    }
}

/// A plain scalar without a tag.
pub(super) fn untagged(text: &str) -> Scalar {
    let other = || Scalar::Text(text.to_owned());
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Scalar::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Scalar::Bool(false)
        }
        "" | "~" | "null" | "Null" | "NULL" => Scalar::Null,
        ".nan" | ".NaN" | ".NAN" => Scalar::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Scalar::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Scalar::Float(f64::NEG_INFINITY),
        _ => match text.as_bytes().first() {
            Some(b'.') => number_text(text).map_or_else(other, Scalar::Float),
            Some(b'+' | b'-' | b'0'..=b'9') => {
                number(text).filter(|_| !is_timestamp(text)).unwrap_or_else(other)
            }
            _ => other(),
        },
    }
}

fn number(text: &str) -> Option<Scalar> {
    let plain = text.replace('_', "");
    integer(&plain).map(Scalar::Int).or_else(|| {
        let shaped = plain
            .strip_prefix(['+', '-'])
            .unwrap_or(&plain)
            .starts_with(|c: char| c.is_ascii_digit() || c == '.');
        let float = if shaped { number_text(&plain) } else { None };
        float.map(Scalar::Float)
    })
}

/// A decimal float; Rust also reads words, which are none here.
fn number_text(text: &str) -> Option<f64> {
    let decimal = text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
    if decimal { text.parse().ok().filter(|f: &f64| f.is_finite()) } else { None }
}

/// Go's integer literals; negative ones in 64 bits with sign, others in 64 bits without.
fn integer(text: &str) -> Option<i128> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = unsigned.to_ascii_lowercase();
    let (digits, radix) = if let Some(hex) = lower.strip_prefix("0x") {
        (hex, 16)
    } else if let Some(octal) = lower.strip_prefix("0o") {
        (octal, 8)
    } else if let Some(binary) = lower.strip_prefix("0b") {
        (binary, 2)
    } else if lower.len() > 1 && lower.starts_with('0') {
        (lower.get(1..)?, 8)
    } else {
        (lower.as_str(), 10)
    };
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return None;
    }
    let magnitude = i128::from_str_radix(digits, radix).ok()?;
    let value = if negative { -magnitude } else { magnitude };
    let top = if text.starts_with('+') { i128::from(i64::MAX) } else { i128::from(u64::MAX) };
    (i128::from(i64::MIN)..=top).contains(&value).then_some(value)
}

/// Would a reader take this text for a time? It stays a text, but is written in quotes.
pub(super) fn is_timestamp(text: &str) -> bool {
    const LAYOUTS: [&str; 4] = [
        "2006-1-2T15:4:5.999999999Z07:00",
        "2006-1-2t15:4:5.999999999Z07:00",
        "2006-1-2 15:4:5.999999999",
        "2006-1-2",
    ];
    let year = text.bytes().take_while(u8::is_ascii_digit).count();
    year == 4
        && text.as_bytes().get(4) == Some(&b'-')
        && LAYOUTS.iter().any(|shape| layout::parse(shape, text).is_ok())
}

//! Quantities with units.
//!
//! The one surprising fact: `units.parse` gives ten decimals whenever the result is no integer, and
//! `1000m` is none, because OPA's milli is the float nearest to 0.001.

use crate::arithmetic::from_text;
use crate::bigfloat::{BigFloat, OPA_PRECISION};
use crate::operand::{arg, failed, string};
use crate::{Answer, Builtin, BuiltinError, Context};
use govc_value::Value;
use num_bigint::{BigInt, BigUint};
use num_integer::Integer;
use num_traits::{Signed, Zero};

pub(crate) const TABLE: &[Builtin] = &[
    Builtin::new(
        "units.parse",
        &[("x", "string")],
        Some("number"),
        "Number of a quantity such as `10K` or `100m`.",
    )
    .calls(units_parse),
    Builtin::new(
        "units.parse_bytes",
        &[("x", "string")],
        Some("number"),
        "Number of bytes of a size such as `10KiB`.",
    )
    .calls(units_parse_bytes),
];

/// Digits of the longest exponent that is read.
const MAX_EXPONENT_DIGITS: usize = 6;

/// Splits a text into number and unit; nothing when an exponent is too long.
fn number_and_unit(text: &str) -> Option<(&str, &str)> {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'e' | b'E' => {
                let signed = matches!(bytes.get(at + 1), Some(b'+' | b'-'));
                if !signed && !digit(at + 1) {
                    break;
                }
                at += usize::from(signed);
                if (at + 1..).take_while(|i| digit(*i)).count() > MAX_EXPONENT_DIGITS {
                    return None;
                }
            }
            b'0'..=b'9' | b'.' | b'+' | b'-' => {}
            _ => break,
        }
        at += 1;
    }
    Some(text.split_at_checked(at).unwrap_or((text, "")))
}

const KI: u64 = 1024;
const K: u64 = 1000;

/// The factor of a letter, times 1000 or 1024 per step.
fn factor(letter: char, base: u64) -> Option<u64> {
    let steps = match letter.to_ascii_lowercase() {
        'k' => 1,
        'm' => 2,
        'g' => 3,
        't' => 4,
        'p' => 5,
        'e' => 6,
        _ => return None,
    };
    Some(base.pow(steps))
}

/// A fraction: numerator and positive denominator.
struct Ratio(BigInt, BigInt);

fn unit_ratio(unit: &str) -> Option<Ratio> {
    let whole = |n: u64| Some(Ratio(n.into(), 1.into()));
    match unit {
        "" => return whole(1),
        // The exact value of the float 0.001.
        "m" => return Some(Ratio(BigInt::from(1_152_921_504_606_847u64), BigInt::from(1u64 << 60))),
        _ => {}
    }
    let mut chars = unit.chars();
    let (first, rest) = (chars.next()?, chars.as_str());
    match rest {
        "" => whole(factor(first, K)?),
        "i" => whole(factor(first, KI)?),
        _ => None,
    }
}

/// Lower case after the first character.
fn normal_unit(unit: &str) -> String {
    let mut chars = unit.chars();
    match chars.next() {
        Some(first) => format!("{first}{}", chars.as_str().to_lowercase()),
        None => String::new(),
    }
}

fn decimal_ratio(text: &str) -> Option<Ratio> {
    let (number, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let exponent: i64 = exponent.parse().ok()?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = BigInt::parse_bytes(format!("{whole}{fraction}").as_bytes(), 10)?;
    if fraction.contains(['+', '-']) {
        return None;
    }
    let scale = exponent - i64::try_from(fraction.len()).ok()?;
    let power = BigInt::from(BigUint::from(10u8).pow(u32::try_from(scale.unsigned_abs()).ok()?));
    Some(if scale < 0 { Ratio(digits, power) } else { Ratio(digits * power, 1.into()) })
}

/// Ten decimals, halves away from zero.
fn ten_decimals(numerator: &BigInt, denominator: &BigInt) -> String {
    let scaled = numerator.abs() * BigInt::from(10_000_000_000u64);
    let (quotient, remainder) = scaled.div_rem(denominator);
    let rounded = if remainder * 2 >= *denominator { quotient + 1 } else { quotient };
    let digits = format!("{rounded:0>11}");
    let (whole, fraction) = digits.split_at(digits.len() - 10);
    let sign = if numerator.is_negative() && !rounded.is_zero() { "-" } else { "" };
    format!("{sign}{whole}.{fraction}")
}

fn units_parse<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let text = string(arg(args, 0), 1)?.replace('"', "");
    let fault = |what: &str| failed(format!("units.parse: {what}"));
    if text.contains(' ') {
        return fault("spaces not allowed in resource strings");
    }
    let Some((number, unit)) = number_and_unit(&text) else {
        return fault("exponent too large");
    };
    if number.is_empty() {
        return fault("no amount provided");
    }
    let unit = normal_unit(unit);
    let Some(unit_ratio) = unit_ratio(&unit) else {
        return fault(&format!("unit {unit} not recognized"));
    };
    let Some(ratio) = decimal_ratio(number) else {
        return fault("could not parse amount to a number");
    };
    let (numerator, denominator) = (ratio.0 * unit_ratio.0, ratio.1 * unit_ratio.1);
    if (&numerator % &denominator).is_zero() {
        return Ok(context.heap.bigint(&(numerator / denominator)));
    }
    from_text(context.heap, &ten_decimals(&numerator, &denominator))
}

fn bytes_factor(unit: &str) -> Option<u64> {
    if unit.is_empty() {
        return Some(1);
    }
    let mut chars = unit.chars();
    let first = chars.next()?;
    match chars.as_str() {
        "" | "b" => factor(first, K),
        "i" | "ib" => factor(first, KI),
        _ => None,
    }
}

fn units_parse_bytes<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let text = string(arg(args, 0), 1)?.to_lowercase().replace('"', "");
    let fault = |what: &str| failed(format!("units.parse_bytes: {what}"));
    if text.contains(' ') {
        return fault("spaces not allowed in resource strings");
    }
    let Some((number, unit)) = number_and_unit(&text) else {
        return fault("exponent too large");
    };
    if number.is_empty() {
        return fault("no byte amount provided");
    }
    let Some(factor) = bytes_factor(unit) else {
        return fault(&format!("byte unit {unit} not recognized"));
    };
    let Some(amount) = BigFloat::parse(number) else {
        return fault("could not parse byte amount to a number");
    };
    let total = amount.product(&BigFloat::from_int(&factor.into()), OPA_PRECISION);
    if total.magnitude() > 1 << 26 {
        return Err(BuiltinError::Limit("number has too many digits".to_owned()));
    }
    Ok(context.heap.bigint(&total.truncated()))
}

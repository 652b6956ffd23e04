//! Durations such as `1h30m`, in Go's notation with days, weeks and years added.
//!
//! The one surprising fact: a year has 365 days.

use crate::go::layout::quote as time_quote;
use crate::go::quote;

const LIMIT: u64 = 1 << 63;

/// Nanoseconds of a duration.
///
/// # Errors
/// OPA's text of the fault.
pub(crate) fn parse(text: &str) -> Result<i64, String> {
    if !text.contains(['d', 'w', 'y']) {
        return go_duration(text);
    }
    let Some(rewritten) = rewrite(text) else {
        return Err(format!("time: invalid duration {}", quote(text)));
    };
    go_duration(&rewritten).map_err(|fault| {
        let start = fault.rfind(' ').and_then(|at| fault.get(..at)).unwrap_or(&fault);
        format!("{start} {}", quote(text))
    })
}

/// The same duration with hours in place of days, weeks and years.
fn rewrite(text: &str) -> Option<String> {
    let signed = text.strip_prefix(['-', '+']);
    let mut rest = signed.unwrap_or(text);
    let mut out = text.get(..text.len() - rest.len())?.to_owned();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let length = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (digits, after) = rest.split_at(length);
        let unit_length = ["ms", "us", "µs", "ns"]
            .iter()
            .find(|unit| after.starts_with(**unit))
            .map(|unit| unit.len())
            .or_else(|| after.starts_with(|c: char| c.is_ascii_lowercase()).then_some(1))?;
        let (unit, after) = after.split_at(unit_length);
        if digits.is_empty() {
            return None;
        }
        let hours = match unit {
            "d" => 24.0,
            "w" => 7.0 * 24.0,
            "y" => 365.0 * 24.0,
            _ => 0.0,
        };
        if hours > 0.0 {
            let count: f64 = digits.parse().ok()?;
            out.push_str(&format!("{}h", count * hours));
        } else {
            out.push_str(digits);
            out.push_str(unit);
        }
        rest = after;
    }
    Some(out)
}

fn unit_nanoseconds(unit: &str) -> Option<u64> {
    Some(match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    })
}

/// `time.ParseDuration`.
fn go_duration(text: &str) -> Result<i64, String> {
    let invalid = || format!("time: invalid duration {}", time_quote(text));
    let negative = text.starts_with('-');
    let mut rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let (whole, after) = digits(rest);
        let (fraction, after) = match after.strip_prefix('.') {
            Some(after) => digits(after),
            None => ("", after),
        };
        if whole.is_empty() && fraction.is_empty() {
            return Err(invalid());
        }
        let count = if whole.is_empty() { 0 } else { whole.parse::<u64>().map_err(|_| invalid())? };
        let length = after.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(length);
        if unit.is_empty() {
            return Err(format!("time: missing unit in duration {}", time_quote(text)));
        }
        let Some(scale) = unit_nanoseconds(unit) else {
            return Err(format!("time: unknown unit {} in duration {}", time_quote(unit), time_quote(text)));
        };
        let part = count
            .checked_mul(scale)
            .and_then(|part| part.checked_add(fraction_of(fraction, scale)))
            .filter(|part| *part <= LIMIT)
            .ok_or_else(invalid)?;
        total = total.checked_add(part).filter(|total| *total <= LIMIT).ok_or_else(invalid)?;
        rest = after;
    }
    if negative {
        return Ok(0i64.wrapping_sub_unsigned(total));
    }
    i64::try_from(total).map_err(|_| invalid())
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

/// Digits after the point, in nanoseconds; those beyond 63 bits are ignored as in Go.
fn fraction_of(digits: &str, scale: u64) -> u64 {
    let (mut number, mut power) = (0u64, 1.0f64);
    for digit in digits.bytes() {
        if number > (LIMIT - 1) / 10 {
            break;
        }
        let next = number * 10 + u64::from(digit - b'0');
        if next > LIMIT {
            break;
        }
        number = next;
        power *= 10.0;
    }
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "as Go computes it"
    )]
    let nanoseconds = (number as f64 * (scale as f64 / power)) as u64;
    nanoseconds
}

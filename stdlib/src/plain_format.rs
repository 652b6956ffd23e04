//! `sprintf` for the formats that policies use most: `%s`, `%v`, `%d` without flags, of texts and numbers.
//!
//! The surprising fact: it may give up at any point, and then the general formatter begins again. So it
//! only has to be right where it goes through to the end.

use govc_value::{Number, Value};
use std::fmt::Write;

/// The formatted text, if this is one of the simple formats and the arguments fit it exactly.
pub(crate) fn plain(format: &str, values: &[Value<'_>]) -> Option<String> {
    let mut out = String::with_capacity(format.len() + 16 * values.len());
    let mut values = values.iter();
    let mut rest = format;
    while let Some(at) = rest.bytes().position(|b| b == b'%') {
        out.push_str(&rest[..at]);
        let verb = *rest.as_bytes().get(at + 1)?;
        match verb {
            b'%' => out.push('%'),
            b's' | b'v' | b'd' => argument(&mut out, verb, *values.next()?)?,
            _ => return None,
        }
        rest = &rest[at + 2..];
    }
    out.push_str(rest);
    values.next().is_none().then_some(out)
}

fn argument(out: &mut String, verb: u8, value: Value<'_>) -> Option<()> {
    if let Some(text) = value.as_str() {
        return (verb != b'd').then(|| out.push_str(text));
    }
    match (value.as_number()?, verb) {
        (Number::Int(i), b'd' | b'v') => write!(out, "{i}").ok(),
        (Number::Float(f), b'v') => short_decimal(out, f),
        _ => None,
    }
}

/// A float that is a decimal with few digits behind the point. Both parts of the quotient are exact, so the
/// division rounds as reading the decimal would; the first that gives the float back is the shortest.
fn short_decimal(out: &mut String, f: f64) -> Option<()> {
    if !(1e-4..1e9).contains(&f.abs()) {
        return None;
    }
    let mut scale = 1u64;
    for digits in 1..=6 {
        scale *= 10;
        let scaled = (f.abs() * scale as f64).round();
        if scaled / scale as f64 == f.abs() {
            let sign = if f < 0.0 { "-" } else { "" };
            // Lossless: below 10^15.
            let (whole, part) = (scaled as u64 / scale, scaled as u64 % scale);
            return write!(out, "{sign}{whole}.{part:0digits$}").ok();
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_decimals_read_back_as_the_same_float() {
        for i in 1..200_000i64 {
            let f = (i * 7919 % 1_000_003) as f64 / [10.0, 100.0, 1e3, 1e4][i as usize % 4];
            let mut out = String::new();
            if f.fract() != 0.0 && short_decimal(&mut out, f).is_some() {
                assert_eq!(out, format!("{f}"));
            }
        }
    }

    #[test]
    fn anything_else_is_left_to_the_general_formatter() {
        assert_eq!(plain("%d", &[Value::int(3)]).as_deref(), Some("3"));
        assert_eq!(plain("100%% of %v", &[Value::int(-3)]).as_deref(), Some("100% of -3"));
        for (format, values) in
            [("%s", &[Value::int(3)][..]), ("%5d", &[Value::int(3)]), ("%", &[]), ("%d", &[])]
        {
            assert_eq!(plain(format, values), None, "{format}");
        }
        assert_eq!(plain("x", &[Value::int(3)]), None);
        assert_eq!(plain("%v", &[Value::bool(true)]), None);
    }
}

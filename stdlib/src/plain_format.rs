//! `sprintf` for the formats that policies use most: `%s`, `%v`, `%d` without flags, of texts and numbers.
//!
//! The surprising fact: it may give up at any point, and then the general formatter begins again. So it
//! only has to be right where it goes through to the end.

use govc_value::{Number, Value};

/// Writes the formatted text, if this is one of the simple formats and the arguments fit it exactly;
/// otherwise the buffer holds nothing of use.
pub(crate) fn plain(out: &mut String, format: &str, values: &[Value<'_>]) -> Option<()> {
    out.clear();
    let mut values = values.iter();
    let mut rest = format;
    while let Some(at) = rest.bytes().position(|b| b == b'%') {
        out.push_str(&rest[..at]);
        let verb = *rest.as_bytes().get(at + 1)?;
        match verb {
            b'%' => out.push('%'),
            b's' | b'v' | b'd' => argument(out, verb, *values.next()?)?,
            _ => return None,
        }
        rest = &rest[at + 2..];
    }
    out.push_str(rest);
    values.next().is_none().then_some(())
}

fn argument(out: &mut String, verb: u8, value: Value<'_>) -> Option<()> {
    if let Some(text) = value.as_str() {
        return (verb != b'd').then(|| out.push_str(text));
    }
    match (value.as_number()?, verb) {
        (Number::Int(i), b'd' | b'v') => {
            if i < 0 {
                out.push('-');
            }
            digits(out, i.unsigned_abs(), 1);
            Some(())
        }
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
    for places in 1..=6 {
        scale *= 10;
        let scaled = (f.abs() * scale as f64).round();
        if scaled / scale as f64 == f.abs() {
            if f < 0.0 {
                out.push('-');
            }
            // Lossless: below 10^15.
            digits(out, scaled as u64 / scale, 1);
            out.push('.');
            digits(out, scaled as u64 % scale, places);
            return Some(());
        }
    }
    None
}

/// Digits of 64 bits.
const MOST: usize = 20;

/// Decimal digits, with zeros in front up to `least`.
fn digits(out: &mut String, mut number: u64, least: usize) {
    let mut text = [b'0'; MOST];
    let mut at = MOST;
    while number > 0 && at > 0 {
        at -= 1;
        text[at] = b'0' + (number % 10) as u8;
        number /= 10;
    }
    at = at.min(MOST - least.min(MOST));
    out.extend(text[at..].iter().map(|&digit| char::from(digit)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn formatted(format: &str, values: &[Value<'_>]) -> Option<String> {
        let mut out = "left over".to_owned();
        plain(&mut out, format, values).map(|()| out)
    }

    #[test]
    fn integers_are_written_as_rust_writes_them() {
        for i in [0, 1, 9, 10, 1_234_567_890, i64::MAX, i64::MIN, -1, -10] {
            assert_eq!(formatted("%d", &[Value::int(i)]), Some(i.to_string()));
        }
    }

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
        assert_eq!(formatted("%d", &[Value::int(3)]).as_deref(), Some("3"));
        assert_eq!(formatted("100%% of %v", &[Value::int(-3)]).as_deref(), Some("100% of -3"));
        for (format, values) in
            [("%s", &[Value::int(3)][..]), ("%5d", &[Value::int(3)]), ("%", &[]), ("%d", &[])]
        {
            assert_eq!(formatted(format, values), None, "{format}");
        }
        assert_eq!(formatted("x", &[Value::int(3)]), None);
        assert_eq!(formatted("%v", &[Value::bool(true)]), None);
    }
}

//! Decimal texts read without rounding.
//!
//! The surprising fact: comparing needs no big numbers. Two decimals compare by sign, by the place of
//! the first digit, then digit by digit.

use num_bigint::BigInt;
use std::cmp::Ordering;

/// A JSON number taken apart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decimal<'a> {
    pub(crate) negative: bool,
    whole: &'a str,
    fraction: &'a str,
    exponent: i64,
}

impl<'a> Decimal<'a> {
    /// Reads RFC 8259's `number`. Exponents that do not fit 64 bits are saturated.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (number, exponent) = match text.split_once(['e', 'E']) {
            Some((number, exponent)) => (number, parse_exponent(exponent)?),
            None => (text, 0),
        };
        let (whole, fraction) = match number.split_once('.') {
            Some((_, "")) => return None,
            Some(parts) => parts,
            None => (number, ""),
        };
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        let valid = digits(whole)
            && digits(fraction)
            && !whole.is_empty()
            && (whole == "0" || !whole.starts_with('0'));
        valid.then_some(Self { negative, whole, fraction, exponent })
    }

    /// All digits without leading zeros.
    fn digits(self) -> impl Iterator<Item = u8> + 'a {
        self.whole.bytes().chain(self.fraction.bytes()).skip_while(|&b| b == b'0')
    }

    /// Zeros before the first digit that is not zero.
    fn leading_zeros(self) -> usize {
        self.whole.bytes().chain(self.fraction.bytes()).take_while(|&b| b == b'0').count()
    }

    /// All digits without leading and trailing zeros; empty for zero.
    pub(crate) fn significant_digits(self) -> String {
        let digits: String = self.digits().map(char::from).collect();
        digits.trim_end_matches('0').to_owned()
    }

    /// All digits, and the power of ten to multiply them with.
    pub(crate) fn scaled(self) -> (String, i64) {
        let digits = [self.whole, self.fraction].concat();
        (digits, self.exponent.saturating_sub(self.fraction.len() as i64))
    }

    /// How many digits stand between the first and the last that are not zero.
    pub(crate) fn significant(self) -> usize {
        let last = match self.fraction.trim_end_matches('0') {
            "" => self.whole.trim_end_matches('0').len(),
            fraction => self.whole.len() + fraction.len(),
        };
        last.saturating_sub(self.leading_zeros())
    }

    /// m with 10^(m-1) <= |x| < 10^m; none for zero.
    pub(crate) fn magnitude(self) -> Option<i64> {
        let zeros = self.leading_zeros();
        if zeros == self.whole.len() + self.fraction.len() {
            return None;
        }
        // Text lengths are far below 2^63.
        Some(self.exponent.saturating_add(self.whole.len() as i64 - zeros as i64))
    }

    pub(crate) fn signum(self) -> i32 {
        match self.magnitude() {
            None => 0,
            Some(_) if self.negative => -1,
            Some(_) => 1,
        }
    }

    /// No digit but zero stands behind the point.
    pub(crate) fn is_integer(self) -> bool {
        self.magnitude().is_none_or(|magnitude| self.significant() as i64 <= magnitude)
    }

    /// The exact integer, if it is one of a size that numbers may have.
    pub(crate) fn to_bigint(self) -> Option<BigInt> {
        let Some(magnitude) = self.magnitude() else { return Some(BigInt::ZERO) };
        let mut digits = self.significant_digits();
        let zeros = usize::try_from(magnitude.checked_sub(digits.len() as i64)?).ok()?;
        if zeros > 1 << 20 {
            return None;
        }
        digits.extend(std::iter::repeat_n('0', zeros));
        let integer: BigInt = digits.parse().ok()?;
        Some(if self.negative { -integer } else { integer })
    }
}

impl Decimal<'_> {
    /// As [`super::write_normal`].
    pub(crate) fn write_normal(self, out: &mut String) {
        let Some(magnitude) = self.magnitude() else { return out.push('0') };
        if self.negative {
            out.push('-');
        }
        let digits = self.significant_digits();
        if (-5..=21).contains(&magnitude) {
            return write_plain(&digits, magnitude, out);
        }
        out.push_str(&digits[..1]);
        if digits.len() > 1 {
            out.push('.');
            out.push_str(&digits[1..]);
        }
        out.push_str(if magnitude > 0 { "e+" } else { "e-" });
        out.push_str(&(magnitude - 1).unsigned_abs().to_string());
    }
}

fn parse_exponent(text: &str) -> Option<i64> {
    let (negative, digits) = match text.as_bytes() {
        [b'-', ..] => (true, &text[1..]),
        [b'+', ..] => (false, &text[1..]),
        _ => (false, text),
    };
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    // Far beyond every bound, and far from overflow.
    let exponent = digits.parse::<i64>().unwrap_or(i64::MAX).min(1 << 40);
    Some(if negative { -exponent } else { exponent })
}

/// The order of two numbers as OPA sees it, given as JSON texts.
pub(crate) fn compare(a: &str, b: &str) -> Ordering {
    if a == b || rounds_before_comparing(a) && rounds_before_comparing(b) && same_float(a, b) {
        return Ordering::Equal;
    }
    compare_exactly(a, b)
}

/// The order of two numbers, given as JSON texts.
pub(crate) fn compare_exactly(a: &str, b: &str) -> Ordering {
    let (Some(x), Some(y)) = (Decimal::parse(a), Decimal::parse(b)) else {
        // Only numbers get here; any fixed order will do.
        return a.cmp(b);
    };
    let sign = x.signum();
    sign.cmp(&y.signum()).then_with(|| {
        let magnitudes = compare_magnitudes(x, y);
        if sign < 0 { magnitudes.reverse() } else { magnitudes }
    })
}

fn compare_magnitudes(x: Decimal<'_>, y: Decimal<'_>) -> Ordering {
    x.magnitude().cmp(&y.magnitude()).then_with(|| {
        let (mut x, mut y) = (x.digits(), y.digits());
        loop {
            match (x.next(), y.next()) {
                (None, None) => return Ordering::Equal,
                (a, b) => match a.unwrap_or(b'0').cmp(&b.unwrap_or(b'0')) {
                    Ordering::Equal => {}
                    order => return order,
                },
            }
        }
    })
}

/// OPA compares two numbers as floats first when both texts hold a point, end in zeros, and still hold a
/// point without these (`NumberCompare` in its ast package).
fn rounds_before_comparing(text: &str) -> bool {
    let trimmed = text.trim_end_matches(['.', '0']);
    trimmed.len() < text.len() && trimmed.contains('.')
}

fn same_float(a: &str, b: &str) -> bool {
    match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(a), Ok(b)) => a.is_finite() && a == b,
        _ => false,
    }
}

/// Go's `%g` with the shortest digits: 0.d1d2d3.. x 10^point, plain from 10^-4 to below 10^6.
pub(crate) fn write_general(digits: &str, point: i64, out: &mut String) {
    let exponent = point - 1;
    if (-4..6).contains(&exponent) {
        return write_plain(digits, point, out);
    }
    out.push_str(&digits[..1]);
    if digits.len() > 1 {
        out.push('.');
        out.push_str(&digits[1..]);
    }
    out.push_str(if exponent < 0 { "e-" } else { "e+" });
    let exponent = exponent.unsigned_abs();
    if exponent < 10 {
        out.push('0');
    }
    out.push_str(&exponent.to_string());
}

/// Go's `%f` with the shortest digits.
pub(crate) fn write_plain(digits: &str, point: i64, out: &mut String) {
    let Ok(whole) = usize::try_from(point) else {
        out.push_str("0.");
        out.extend(std::iter::repeat_n('0', usize::try_from(-point).unwrap_or(0)));
        out.push_str(digits);
        return;
    };
    if whole >= digits.len() {
        out.push_str(digits);
        out.extend(std::iter::repeat_n('0', whole - digits.len()));
        return;
    }
    if whole == 0 {
        out.push('0');
    } else {
        out.push_str(&digits[..whole]);
    }
    out.push('.');
    out.push_str(&digits[whole..]);
}

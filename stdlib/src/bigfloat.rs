//! Binary floats with a chosen precision, as Go's `math/big.Float` computes and prints them.
//!
//! OPA adds, multiplies and divides what is no integer with 64 bits of mantissa, so `0.1 + 0.2` is
//! `0.3` and `1 / 3` has twenty digits. The one surprising fact: the printed text is the shortest
//! one that reads back as the same 64-bit mantissa, and it takes an exponent from a million on.

use num_bigint::{BigInt, BigUint, Sign};
use num_integer::Integer;
use num_traits::{One, Zero};
use std::cmp::Ordering;

/// Bits of mantissa that OPA computes with.
pub(crate) const OPA_PRECISION: u64 = 64;

/// Decimal exponents beyond this are refused, as by Go's `big.Rat`.
const MAX_EXPONENT: u64 = 1_000_000;

/// A finite float: `mantissa * 2^exponent`, rounded to some number of bits.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BigFloat {
    negative: bool,
    mantissa: BigUint,
    exponent: i64,
}

/// The parts of a decimal text.
struct Decimal {
    negative: bool,
    digits: BigUint,
    /// Power of ten that the digits are multiplied by.
    scale: i64,
}

fn read_decimal(text: &str) -> Option<Decimal> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (number, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (unsigned.get(..at)?, unsigned.get(at + 1..)?.parse::<i64>().ok()?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let digits = BigUint::parse_bytes(digits.as_bytes(), 10)?;
    let scale = exponent.checked_sub(i64::try_from(fraction.len()).ok()?)?;
    Some(Decimal { negative, digits, scale })
}

/// The integer that a decimal text stands for, if it stands for one (`1.0` and `1e2` do).
pub(crate) fn integer_from_text(text: &str) -> Option<BigInt> {
    let decimal = read_decimal(text)?;
    if decimal.scale.unsigned_abs() > MAX_EXPONENT {
        return decimal.digits.is_zero().then(BigInt::zero);
    }
    let power = BigUint::from(10u8).pow(u32::try_from(decimal.scale.unsigned_abs()).ok()?);
    let magnitude = if decimal.scale >= 0 {
        decimal.digits * power
    } else {
        let (quotient, remainder) = decimal.digits.div_rem(&power);
        if !remainder.is_zero() {
            return None;
        }
        quotient
    };
    let sign = if decimal.negative { Sign::Minus } else { Sign::Plus };
    Some(BigInt::from_biguint(sign, magnitude))
}

impl BigFloat {
    fn zero() -> Self {
        Self { negative: false, mantissa: BigUint::zero(), exponent: 0 }
    }

    /// Rounds to `precision` bits, ties to even; `sticky` tells that lower bits were lost before.
    fn rounded(negative: bool, mantissa: BigUint, exponent: i64, sticky: bool, precision: u64) -> Self {
        if mantissa.is_zero() {
            return Self { negative, ..Self::zero() };
        }
        let bits = mantissa.bits();
        if bits <= precision {
            return Self { negative, mantissa, exponent }.normal();
        }
        let drop = bits - precision;
        let kept = &mantissa >> drop;
        let lost = &mantissa - (&kept << drop);
        let half = BigUint::one() << (drop - 1);
        let up = match lost.cmp(&half) {
            Ordering::Less => false,
            Ordering::Greater => true,
            Ordering::Equal => sticky || kept.bit(0),
        };
        let mantissa = if up { kept + 1u8 } else { kept };
        Self { negative, mantissa, exponent: exponent + drop.cast_signed() }.normal()
    }

    /// Without trailing zero bits, so that equal numbers have equal parts.
    fn normal(mut self) -> Self {
        let zeros = self.mantissa.trailing_zeros().unwrap_or(0);
        self.mantissa >>= zeros;
        self.exponent += zeros.cast_signed();
        self
    }

    /// Reads a decimal text with 64 bits of mantissa.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let decimal = read_decimal(text)?;
        let Decimal { negative, digits, scale } = decimal;
        if digits.is_zero() {
            return Some(Self { negative, ..Self::zero() });
        }
        if scale.unsigned_abs() > u64::from(i32::MAX.unsigned_abs()) {
            return None;
        }
        let power = pow5(scale.unsigned_abs(), OPA_PRECISION + 64);
        let whole = Self { negative, mantissa: digits, exponent: scale };
        Some(if scale < 0 {
            whole.quotient(&power, OPA_PRECISION)
        } else {
            whole.product(&power, OPA_PRECISION)
        })
    }

    pub(crate) fn from_int(integer: &BigInt) -> Self {
        let negative = integer.sign() == Sign::Minus;
        Self { negative, mantissa: integer.magnitude().clone(), exponent: 0 }.normal()
    }

    pub(crate) fn is_negative(&self) -> bool {
        self.negative
    }

    pub(crate) fn is_zero(&self) -> bool {
        self.mantissa.is_zero()
    }

    pub(crate) fn is_integer(&self) -> bool {
        self.exponent >= 0 || self.is_zero()
    }

    pub(crate) fn abs(mut self) -> Self {
        self.negative = false;
        self
    }

    /// Bits needed for the integer part; what a shift up would cost.
    pub(crate) fn magnitude(&self) -> i64 {
        self.mantissa.bits().cast_signed().saturating_add(self.exponent)
    }

    /// The integer part, rounded toward zero.
    pub(crate) fn truncated(&self) -> BigInt {
        let magnitude = if self.exponent >= 0 {
            &self.mantissa << self.exponent.unsigned_abs()
        } else {
            &self.mantissa >> self.exponent.unsigned_abs()
        };
        BigInt::from_biguint(if self.negative { Sign::Minus } else { Sign::Plus }, magnitude)
    }

    fn signed(&self, exponent: i64) -> BigInt {
        let shifted = &self.mantissa << (self.exponent - exponent).unsigned_abs();
        BigInt::from_biguint(if self.negative { Sign::Minus } else { Sign::Plus }, shifted)
    }

    pub(crate) fn sum(&self, other: &Self, precision: u64) -> Self {
        if self.is_zero() || other.is_zero() {
            let one = if self.is_zero() { other } else { self };
            return Self::rounded(one.negative, one.mantissa.clone(), one.exponent, false, precision);
        }
        let far = (precision + 4).cast_signed();
        // Too far apart to change more than the rounding: keep a sticky bit instead of a huge shift.
        let gap = self.magnitude() - other.magnitude();
        if gap.abs() > far + 64 {
            let (big, small) = if gap > 0 { (self, other) } else { (other, self) };
            return big.nudged(small.negative, precision);
        }
        let exponent = self.exponent.min(other.exponent);
        let total = self.signed(exponent) + other.signed(exponent);
        let negative = total.sign() == Sign::Minus;
        Self::rounded(negative, total.magnitude().clone(), exponent, false, precision)
    }

    /// This number plus something far below its last bit.
    fn nudged(&self, negative: bool, precision: u64) -> Self {
        let extra = precision + 8;
        let mantissa = &self.mantissa << extra;
        let mantissa = if negative == self.negative { mantissa + 1u8 } else { mantissa - 1u8 };
        Self::rounded(self.negative, mantissa, self.exponent - extra.cast_signed(), false, precision)
    }

    pub(crate) fn difference(&self, other: &Self, precision: u64) -> Self {
        let negated = Self { negative: !other.negative, ..other.clone() };
        self.sum(&negated, precision)
    }

    pub(crate) fn product(&self, other: &Self, precision: u64) -> Self {
        let mantissa = &self.mantissa * &other.mantissa;
        let exponent = self.exponent.saturating_add(other.exponent);
        Self::rounded(self.negative != other.negative, mantissa, exponent, false, precision)
    }

    /// The quotient by a number that is not zero.
    pub(crate) fn quotient(&self, other: &Self, precision: u64) -> Self {
        if self.is_zero() || other.is_zero() {
            return Self { negative: self.negative != other.negative, ..Self::zero() };
        }
        let wanted = precision + 2 + other.mantissa.bits();
        let shift = wanted.saturating_sub(self.mantissa.bits());
        let (quotient, remainder) = (&self.mantissa << shift).div_rem(&other.mantissa);
        let exponent = self.exponent.saturating_sub(other.exponent).saturating_sub(shift.cast_signed());
        // Two more bits make room for the sticky one.
        let mantissa = (quotient << 2u8) + u8::from(!remainder.is_zero());
        Self::rounded(self.negative != other.negative, mantissa, exponent - 2, false, precision)
    }

    /// OPA's text of a result: all digits of an integer, else Go's `%g`.
    pub(crate) fn text(&self, precision: u64) -> String {
        if self.is_zero() {
            return if self.negative { "-0" } else { "0" }.to_owned();
        }
        let (digits, point) = self.shortest(precision);
        let sign = if self.negative { "-" } else { "" };
        if self.is_integer() {
            return format!("{sign}{}", plain(&digits, point));
        }
        let exponent = point - 1;
        if !(-4..6).contains(&exponent) {
            return format!("{sign}{}", scientific(&digits, exponent));
        }
        format!("{sign}{}", plain(&digits, point))
    }

    /// Go's `%g` for integers too.
    pub(crate) fn general_text(&self, precision: u64) -> String {
        if self.is_zero() {
            return "0".to_owned();
        }
        let (digits, point) = self.shortest(precision);
        let sign = if self.negative { "-" } else { "" };
        let exponent = point - 1;
        let few = i64::try_from(digits.len()).unwrap_or(i64::MAX) >= point;
        if !(-4..21).contains(&exponent) || !few && exponent >= 6 {
            return format!("{sign}{}", scientific(&digits, exponent));
        }
        format!("{sign}{}", plain(&digits, point))
    }

    /// The fewest digits that read back as this number, and the position of the point before them.
    fn shortest(&self, precision: u64) -> (Vec<u8>, i64) {
        let bits = self.mantissa.bits();
        let shift = (precision + 1).saturating_sub(bits);
        let mantissa = &self.mantissa << shift;
        let exponent = self.exponent - shift.cast_signed();
        let (mut digits, mut point) = decimal_digits(&mantissa, exponent);
        let (lower, _) = decimal_digits(&(&mantissa - 1u8), exponent);
        let (upper, _) = decimal_digits(&(&mantissa + 1u8), exponent);
        let inclusive = !mantissa.bit(1);
        let at = |list: &[u8], i: usize| list.get(i).copied().unwrap_or(b'0');
        for (i, m) in digits.clone().into_iter().enumerate() {
            let (l, u) = (at(&lower, i), at(&upper, i));
            let down = l != m || inclusive && i + 1 == lower.len();
            let up = m != u && (inclusive || m + 1 < u || i + 1 < upper.len());
            if down || up {
                let nearest_up = rounds_up(&digits, i + 1);
                let up = if down && up { nearest_up } else { up };
                cut(&mut digits, &mut point, i + 1, up);
                break;
            }
        }
        (digits, point)
    }
}

/// Does rounding to the first `count` digits go up? Ties go to the even digit, as in Go's `decimal.round`.
fn rounds_up(digits: &[u8], count: usize) -> bool {
    match digits.get(count) {
        None => false,
        Some(b'5') if count + 1 == digits.len() => {
            count > 0 && digits.get(count - 1).is_some_and(|d| (d - b'0') & 1 != 0)
        }
        Some(digit) => *digit >= b'5',
    }
}

/// Keeps the first `count` digits, rounded up or down.
fn cut(digits: &mut Vec<u8>, point: &mut i64, count: usize, up: bool) {
    if count >= digits.len() {
        return;
    }
    digits.truncate(count);
    if up {
        while digits.last() == Some(&b'9') {
            digits.pop();
        }
        match digits.last_mut() {
            Some(last) => *last += 1,
            None => {
                digits.push(b'1');
                *point += 1;
            }
        }
    }
    while digits.len() > 1 && digits.last() == Some(&b'0') {
        digits.pop();
    }
}

/// All decimal digits of `mantissa * 2^exponent` without trailing zeros, and where the point stands.
fn decimal_digits(mantissa: &BigUint, exponent: i64) -> (Vec<u8>, i64) {
    let (integer, scale) = if exponent >= 0 {
        (mantissa << exponent.unsigned_abs(), 0)
    } else {
        // m / 2^k = m * 5^k / 10^k
        let zeros = mantissa.trailing_zeros().unwrap_or(0).min(exponent.unsigned_abs());
        let power = exponent.unsigned_abs() - zeros;
        let five = BigUint::from(5u8).pow(u32::try_from(power).unwrap_or(u32::MAX));
        ((mantissa >> zeros) * five, power.cast_signed())
    };
    let mut digits = integer.to_string().into_bytes();
    let point = i64::try_from(digits.len()).unwrap_or(i64::MAX) - scale;
    while digits.len() > 1 && digits.last() == Some(&b'0') {
        digits.pop();
    }
    (digits, point)
}

/// `0.000123`, `12.5`, `1200`.
fn plain(digits: &[u8], point: i64) -> String {
    let digits = String::from_utf8_lossy(digits);
    let Ok(before) = usize::try_from(point) else {
        return format!("0.{}{digits}", "0".repeat(point.unsigned_abs() as usize));
    };
    if before == 0 {
        return format!("0.{digits}");
    }
    if before >= digits.len() {
        return format!("{digits}{}", "0".repeat(before - digits.len()));
    }
    let (whole, fraction) = digits.split_at(before);
    format!("{whole}.{fraction}")
}

/// `1.25e+06`.
fn scientific(digits: &[u8], exponent: i64) -> String {
    let digits = String::from_utf8_lossy(digits);
    let (first, rest) = digits.split_at(1);
    let point = if rest.is_empty() { "" } else { "." };
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{first}{point}{rest}e{sign}{:02}", exponent.unsigned_abs())
}

/// `5^n` with `precision` bits, rounded at the same places as in Go.
fn pow5(n: u64, precision: u64) -> BigFloat {
    let power = |n: u64| BigUint::from(5u8).pow(n as u32);
    if n <= 27 {
        return BigFloat { negative: false, mantissa: power(n), exponent: 0 };
    }
    let mut z = BigFloat { negative: false, mantissa: power(27), exponent: 0 };
    let mut f = BigFloat { negative: false, mantissa: power(1), exponent: 0 };
    let mut n = n - 27;
    while n > 0 {
        if n & 1 != 0 {
            z = z.product(&f, precision);
        }
        f = f.product(&f, precision + 64);
        n >>= 1;
    }
    z
}

/// Is a decimal an integer multiple of another one? Nothing when either is no number or too long.
pub(crate) fn is_multiple(text: &str, of: &str) -> Option<bool> {
    let (a, b) = (read_decimal(text)?, read_decimal(of)?);
    let scale = a.scale.min(b.scale);
    let whole = |decimal: Decimal| {
        let distance = u32::try_from(decimal.scale.checked_sub(scale)?).ok().filter(|d| *d < 10_000)?;
        Some(decimal.digits * BigUint::from(10u8).pow(distance))
    };
    let (a, b) = (whole(a)?, whole(b)?);
    Some(!b.is_zero() && (a % b).is_zero())
}

/// The float nearest to a decimal text.
pub(crate) fn f64_from_text(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|f| f.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> BigFloat {
        BigFloat::parse(text).expect("a number")
    }

    #[test]
    fn texts_are_those_of_go() {
        let third = parse("1").quotient(&parse("3"), 64);
        assert_eq!(third.text(64), "0.33333333333333333334");
        let sum = parse("0.1").sum(&parse("0.2"), 64);
        assert_eq!(sum.text(64), "0.3");
        assert_eq!(parse("1234567.5").text(64), "1.2345675e+06");
        assert_eq!(parse("1e22").text(64), "10000000000000000000000");
        assert_eq!(parse("0.00001").text(64), "1e-05");
        assert_eq!(parse("-0.5").text(64), "-0.5");
    }
}

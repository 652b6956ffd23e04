//! Floats with a mantissa of 64 bits and more, rounded as Go's `big.Float` rounds.
//!
//! The surprising fact: reading a decimal rounds twice (the power of five first, to 128 bits), because
//! Go does; so the last bit of `1e-300` may differ from the nearest one, and OPA's answers with it.

use super::decimal::{self, Decimal};
use num_bigint::BigUint;
use num_traits::Zero;
use std::cmp::Ordering;

/// Mantissa bits of a number that was read from text.
const PRECISION: u64 = 64;

/// mantissa x 2^exponent, negative or not; the mantissa holds at most `precision` bits.
#[derive(Clone, Debug)]
pub(super) struct Wide {
    negative: bool,
    mantissa: BigUint,
    exponent: i64,
    precision: u64,
}

impl Wide {
    /// Rounds to the nearest, ties to even; `more` says that bits below the mantissa are not all zero.
    fn round(negative: bool, mantissa: BigUint, exponent: i64, precision: u64, more: bool) -> Self {
        let excess = mantissa.bits().saturating_sub(precision);
        if excess == 0 {
            // Quotients are made long enough to have a bit to spare when anything remains.
            return Wide { negative, mantissa, exponent, precision };
        }
        let half = mantissa.bit(excess - 1);
        let rest = more || mantissa.trailing_zeros().is_some_and(|zeros| zeros < excess - 1);
        let mut rounded = &mantissa >> excess;
        if half && (rest || rounded.bit(0)) {
            rounded += 1u32;
        }
        // Lossless: mantissas are far shorter than 2^63 bits.
        let mut exponent = exponent + excess as i64;
        if rounded.bits() > precision {
            rounded >>= 1u32;
            exponent += 1;
        }
        Wide { negative, mantissa: rounded, exponent, precision }
    }

    /// Reads a JSON number.
    pub(super) fn read(text: &str) -> Option<Self> {
        let decimal = Decimal::parse(text)?;
        let (digits, power) = decimal.scaled();
        let mantissa: BigUint = digits.parse().ok()?;
        if mantissa.is_zero() {
            return Some(Wide { negative: decimal.negative, mantissa, exponent: 0, precision: PRECISION });
        }
        let exact = Wide { negative: decimal.negative, mantissa, exponent: power, precision: PRECISION };
        let five = power_of_five(power.unsigned_abs());
        Some(match power.cmp(&0) {
            Ordering::Equal => Wide::round(exact.negative, exact.mantissa, 0, PRECISION, false),
            Ordering::Greater => exact.times(&five),
            Ordering::Less => exact.over(&five),
        })
    }

    /// The power of two above the value; bounds the work of printing it.
    pub(super) fn magnitude(&self) -> i64 {
        if self.mantissa.is_zero() { 0 } else { self.exponent + self.mantissa.bits() as i64 }
    }

    pub(super) fn is_zero(&self) -> bool {
        self.mantissa.is_zero()
    }

    pub(super) fn is_integer(&self) -> bool {
        let zeros = self.mantissa.trailing_zeros().unwrap_or(u64::MAX);
        self.exponent >= 0 || zeros >= self.exponent.unsigned_abs()
    }

    /// Rounds to this number's precision.
    fn times(&self, other: &Wide) -> Self {
        let (mantissa, exponent) = (&self.mantissa * &other.mantissa, self.exponent + other.exponent);
        Wide::round(self.negative != other.negative, mantissa, exponent, self.precision, false)
    }

    /// Rounds to this number's precision. The other must not be zero.
    fn over(&self, other: &Wide) -> Self {
        let wanted = self.precision + 2 + other.mantissa.bits();
        let shift = wanted.saturating_sub(self.mantissa.bits());
        let dividend = &self.mantissa << shift;
        let quotient = &dividend / &other.mantissa;
        let more = &quotient * &other.mantissa != dividend;
        let exponent = self.exponent - other.exponent - shift as i64;
        let negative = self.negative != other.negative;
        Wide::round(negative, quotient, exponent, self.precision, more)
    }

    pub(super) fn mul(&self, other: &Wide) -> Self {
        self.widened(other).times(other)
    }

    /// The other must not be zero.
    pub(super) fn div(&self, other: &Wide) -> Self {
        self.widened(other).over(other)
    }

    pub(super) fn sub(&self, other: &Wide) -> Self {
        self.add(&Wide { negative: !other.negative, ..other.clone() })
    }

    pub(super) fn add(&self, other: &Wide) -> Self {
        if self.is_zero() || other.is_zero() {
            return self.add_zero(other);
        }
        let precision = self.precision.max(other.precision);
        let exponent = self.exponent.min(other.exponent);
        let a = &self.mantissa << (self.exponent - exponent).unsigned_abs();
        let b = &other.mantissa << (other.exponent - exponent).unsigned_abs();
        if self.negative == other.negative {
            return Wide::round(self.negative, a + b, exponent, precision, false);
        }
        match a.cmp(&b) {
            Ordering::Greater => Wide::round(self.negative, a - b, exponent, precision, false),
            Ordering::Less => Wide::round(other.negative, b - a, exponent, precision, false),
            Ordering::Equal => Wide { negative: false, mantissa: BigUint::ZERO, exponent: 0, precision },
        }
    }

    /// A sum of which one side is zero; -0 + -0 = -0, and 0 otherwise.
    fn add_zero(&self, other: &Wide) -> Self {
        let precision = self.precision.max(other.precision);
        match (self.is_zero(), other.is_zero()) {
            (true, true) => Wide { negative: self.negative && other.negative, precision, ..self.clone() },
            (true, false) => Wide { precision, ..other.clone() },
            _ => Wide { precision, ..self.clone() },
        }
    }

    fn widened(&self, other: &Wide) -> Self {
        Wide { precision: self.precision.max(other.precision), ..self.clone() }
    }

    pub(super) fn abs(self) -> Self {
        Wide { negative: false, ..self }
    }

    /// Away from zero at one half.
    pub(super) fn round_half_away(&self) -> Self {
        let half =
            Wide { negative: self.negative, mantissa: BigUint::from(1u32), exponent: -1, precision: 53 };
        self.add(&half).truncated()
    }

    /// As OPA computes it: values between -1 and 0 give 1.
    pub(super) fn ceil(&self) -> Self {
        let whole = self.truncated();
        if whole.negative || self.is_integer() { whole } else { whole.add(&Wide::one()) }
    }

    /// As OPA computes it: values between -1 and 0 give 0.
    pub(super) fn floor(&self) -> Self {
        let whole = self.truncated();
        if !whole.negative || self.is_integer() { whole } else { whole.sub(&Wide::one()) }
    }

    pub(super) fn zero() -> Self {
        Wide { negative: false, mantissa: BigUint::ZERO, exponent: 0, precision: PRECISION }
    }

    fn one() -> Self {
        Wide { negative: false, mantissa: BigUint::from(1u32), exponent: 0, precision: 53 }
    }

    /// The whole part, towards zero, with as much precision as it needs; zero is never negative.
    fn truncated(&self) -> Self {
        let whole = match u64::try_from(self.exponent) {
            Ok(up) => &self.mantissa << up,
            Err(_) => &self.mantissa >> self.exponent.unsigned_abs(),
        };
        let precision = whole.bits().max(PRECISION);
        Wide { negative: self.negative && !whole.is_zero(), mantissa: whole, exponent: 0, precision }
    }

    /// As OPA prints it: integers plain, the rest as Go's `%g`, with the fewest digits that give the
    /// value back at its precision.
    pub(super) fn print(&self) -> String {
        let mut out = String::from(if self.negative { "-" } else { "" });
        if self.is_zero() {
            out.push('0');
            return out;
        }
        let Digits { digits, point } = self.shortest();
        if self.is_integer() {
            decimal::write_plain(&digits, point, &mut out);
        } else {
            decimal::write_general(&digits, point, &mut out);
        }
        out
    }

    /// Go's search: walk the digits of the value until they leave the interval of all decimals that
    /// round to it.
    fn shortest(&self) -> Digits {
        // One bit more than the precision, so that the lowest bit is worth half a unit in the last place.
        let shift = (self.precision + 1).saturating_sub(self.mantissa.bits());
        let mantissa = &self.mantissa << shift;
        let exponent = self.exponent - shift as i64;
        let value = Digits::exact(&mantissa, exponent);
        let lower = Digits::exact(&(&mantissa - 1u32), exponent);
        let upper = Digits::exact(&(&mantissa + 1u32), exponent);
        let inclusive = !mantissa.bit(1);
        for (i, digit) in value.digits.bytes().enumerate() {
            let (low, high) = (lower.at(i), upper.at(i));
            let down = low != digit || inclusive && i + 1 == lower.digits.len();
            let up = digit != high && (inclusive || digit + 1 < high || i + 1 < upper.digits.len());
            match (down, up) {
                (true, true) => return value.rounded(i + 1),
                (true, false) => return value.rounded_down(i + 1),
                (false, true) => return value.rounded_up(i + 1),
                (false, false) => {}
            }
        }
        value
    }
}

/// 5^n, to 128 bits.
fn power_of_five(n: u64) -> Wide {
    /// The largest power of five in 64 bits.
    const EXACT: u64 = 27;
    let power = |n: u64, precision| Wide {
        negative: false,
        mantissa: BigUint::from(5u32).pow(n as u32),
        exponent: 0,
        precision,
    };
    let mut result = power(n.min(EXACT), PRECISION + 64);
    let mut rest = n - n.min(EXACT);
    let mut square = power(1, PRECISION + 128);
    while rest > 0 {
        if rest & 1 != 0 {
            result = result.times(&square);
        }
        square = square.times(&square);
        rest >>= 1;
    }
    result
}

/// 0.d1d2d3.. x 10^point, without trailing zeros.
#[derive(Debug)]
struct Digits {
    digits: String,
    point: i64,
}

impl Digits {
    /// All digits of mantissa x 2^exponent.
    fn exact(mantissa: &BigUint, exponent: i64) -> Self {
        let digits = match u64::try_from(exponent) {
            Ok(up) => mantissa << up,
            // Lossless: callers bound the exponent.
            Err(_) => mantissa * BigUint::from(5u32).pow(exponent.unsigned_abs() as u32),
        };
        let digits = digits.to_string();
        let point = digits.len() as i64 + exponent.min(0);
        Self::trimmed(digits, point)
    }

    fn trimmed(mut digits: String, point: i64) -> Self {
        digits.truncate(digits.trim_end_matches('0').len());
        Self { digits, point }
    }

    fn at(&self, i: usize) -> u8 {
        self.digits.as_bytes().get(i).copied().unwrap_or(b'0')
    }

    fn rounded(self, n: usize) -> Self {
        let even = n > 0 && (self.at(n - 1) - b'0').is_multiple_of(2);
        let halfway = self.at(n) == b'5' && n + 1 == self.digits.len();
        let up = if halfway { !even } else { self.at(n) >= b'5' };
        if up { self.rounded_up(n) } else { self.rounded_down(n) }
    }

    fn rounded_down(mut self, n: usize) -> Self {
        self.digits.truncate(n);
        Self::trimmed(self.digits, self.point)
    }

    fn rounded_up(mut self, n: usize) -> Self {
        if n >= self.digits.len() {
            return self;
        }
        self.digits.truncate(n);
        self.digits.truncate(self.digits.trim_end_matches('9').len());
        match self.digits.pop() {
            Some(last) => {
                // The last digit is no nine.
                self.digits.push(char::from(last as u8 + 1));
                self
            }
            None => Self { digits: "1".to_owned(), point: self.point + 1 },
        }
    }
}

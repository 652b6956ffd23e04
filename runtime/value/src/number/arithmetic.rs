//! Arithmetic as OPA does it: integers exactly, everything else in floats with 64 bits of mantissa.
//!
//! The surprising fact: division, `abs`, `round`, `ceil` and `floor` go through the float even for
//! integers, so they lose digits beyond 64 bits where `+`, `-`, `*` and `%` do not.

use super::wide::Wide;
use super::{Class, Number, classify};
use crate::{Heap, Value};
use num_bigint::BigInt;
use num_traits::{Signed, Zero};
use std::fmt;

/// Why an operation has no result; the texts are OPA's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ArithmeticError {
    /// The divisor is zero.
    DivideByZero,
    /// The divisor of a remainder is zero.
    ModuloByZero,
    /// A remainder of numbers that are no integers.
    ModuloOnFloat,
}

impl fmt::Display for ArithmeticError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ArithmeticError::DivideByZero => "divide by zero",
            ArithmeticError::ModuloByZero => "modulo by zero",
            ArithmeticError::ModuloOnFloat => "modulo on floating-point number",
        })
    }
}

impl std::error::Error for ArithmeticError {}

/// Bits of the largest result; more counts as memory exhausted.
const MOST_BITS: u64 = 1 << 20;

/// Arithmetic. A result beyond a million bits is undefined and raises the arena's flag.
impl<'q> Heap<'q> {
    /// `a + b`
    #[inline]
    pub fn add(self, a: Number<'_>, b: Number<'_>) -> Value<'q> {
        if let (Number::Int(a), Number::Int(b)) = (a, b)
            && let Some(sum) = a.checked_add(b)
        {
            return Value::int(sum);
        }
        self.exact_or_wide(a, b, |a, b| a + b, Wide::add)
    }

    /// `a - b`
    #[inline]
    pub fn sub(self, a: Number<'_>, b: Number<'_>) -> Value<'q> {
        if let (Number::Int(a), Number::Int(b)) = (a, b)
            && let Some(difference) = a.checked_sub(b)
        {
            return Value::int(difference);
        }
        self.exact_or_wide(a, b, |a, b| a - b, Wide::sub)
    }

    /// `a * b`
    #[inline]
    pub fn mul(self, a: Number<'_>, b: Number<'_>) -> Value<'q> {
        if let (Number::Int(a), Number::Int(b)) = (a, b)
            && let Some(product) = a.checked_mul(b)
        {
            return Value::int(product);
        }
        self.exact_or_wide(a, b, |a, b| a * b, Wide::mul)
    }

    /// `-a`, which is `0 - a`.
    pub fn neg(self, a: Number<'_>) -> Value<'q> {
        self.sub(Number::Int(0), a)
    }

    /// `a / b`
    ///
    /// # Errors
    /// When `b` is zero.
    pub fn div(self, a: Number<'_>, b: Number<'_>) -> Result<Value<'q>, ArithmeticError> {
        if b.signum() == 0 {
            return Err(ArithmeticError::DivideByZero);
        }
        if let (Number::Int(a), Number::Int(b)) = (a, b)
            && a.checked_rem(b) == Some(0)
            && a != 0
        {
            return Ok(Value::int(a / b));
        }
        Ok(self.wide(Wide::div(&a.to_wide(), &b.to_wide())))
    }

    /// `a % b`, with the sign of `a`.
    ///
    /// # Errors
    /// When `b` is zero, or one of them is no integer.
    pub fn rem(self, a: Number<'_>, b: Number<'_>) -> Result<Value<'q>, ArithmeticError> {
        if let (Number::Int(a), Number::Int(b)) = (a, b)
            && let Some(rest) = a.checked_rem(b)
        {
            return Ok(Value::int(rest));
        }
        let (Some(a), Some(b)) = (a.to_bigint(), b.to_bigint()) else {
            return Err(ArithmeticError::ModuloOnFloat);
        };
        if b.is_zero() {
            return Err(ArithmeticError::ModuloByZero);
        }
        Ok(self.bigint(&(a % b)))
    }

    /// The absolute value.
    pub fn abs(self, a: Number<'_>) -> Value<'q> {
        match a {
            Number::Int(i) if i != i64::MIN => Value::int(i.abs()),
            _ => self.wide(a.to_wide().abs()),
        }
    }

    /// The nearest integer, away from zero at one half.
    pub fn round(self, a: Number<'_>) -> Value<'q> {
        self.to_integer(a, Wide::round_half_away)
    }

    /// OPA's `ceil`; between -1 and 0 that is 1.
    pub fn ceil(self, a: Number<'_>) -> Value<'q> {
        self.to_integer(a, Wide::ceil)
    }

    /// OPA's `floor`; between -1 and 0 that is 0.
    pub fn floor(self, a: Number<'_>) -> Value<'q> {
        self.to_integer(a, Wide::floor)
    }

    fn to_integer(self, a: Number<'_>, operation: fn(&Wide) -> Wide) -> Value<'q> {
        match a {
            // Up to 2^62 one half more still fits the mantissa.
            Number::Int(i) if i.unsigned_abs() <= 1 << 62 => Value::int(i),
            _ => self.wide(operation(&a.to_wide())),
        }
    }

    #[cold]
    fn exact_or_wide(
        self,
        a: Number<'_>,
        b: Number<'_>,
        exact: fn(BigInt, BigInt) -> BigInt,
        wide: fn(&Wide, &Wide) -> Wide,
    ) -> Value<'q> {
        match (a.to_bigint(), b.to_bigint()) {
            (Some(a), Some(b)) => self.bounded(&exact(a, b)),
            _ => self.wide(wide(&a.to_wide(), &b.to_wide())),
        }
    }

    fn bounded(self, i: &BigInt) -> Value<'q> {
        if i.abs().bits() > MOST_BITS {
            return self.refuse();
        }
        self.bigint(i)
    }

    fn wide(self, result: Wide) -> Value<'q> {
        if result.magnitude().unsigned_abs() > MOST_BITS {
            return self.refuse();
        }
        let text = result.print();
        match classify(&text) {
            Ok(Class::Int(i)) => Value::int(i),
            Ok(Class::Float(f)) => Value::raw_float(f),
            // Results may leave the range of what can be read.
            Ok(Class::Text) | Err(_) => self.number_text(&text),
        }
    }

    fn refuse(self) -> Value<'q> {
        self.arena().refuse();
        Value::UNDEFINED
    }
}

impl Number<'_> {
    fn to_wide(self) -> Wide {
        let mut text = String::new();
        self.write(&mut text);
        // Every number prints as JSON.
        Wide::read(&text).unwrap_or_else(Wide::zero)
    }
}

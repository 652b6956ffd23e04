//! Operators on numbers, and rounding.
//!
//! The one surprising fact: integers are exact at any size, and everything else is computed by
//! [`BigFloat`] with 64 bits, so there is no overflow and no infinity.

use crate::bigfloat::{BigFloat, OPA_PRECISION};
use crate::operand::{arg, failed, integer_value, kind_name, mismatch, number, number_text};
use crate::{Answer, Builtin, BuiltinError, Context};
use govc_value::{Heap, Kind, Value};
use num_bigint::BigInt;
use num_traits::{One, Zero};

pub(crate) const TABLE: &[Builtin] = &[
    Builtin::new("plus", &[("x", "number"), ("y", "number")], Some("number"), "Adds two numbers.")
        .infix("+")
        .calls(plus),
    Builtin::new(
        "minus",
        &[("x", "any<number, set[any]>"), ("y", "any<number, set[any]>")],
        Some("any<number, set[any]>"),
        "Subtracts a number from a number, or removes the elements of a set from a set.",
    )
    .infix("-")
    .calls(minus),
    Builtin::new("mul", &[("x", "number"), ("y", "number")], Some("number"), "Multiplies two numbers.")
        .infix("*")
        .calls(mul),
    Builtin::new(
        "div",
        &[("x", "number"), ("y", "number")],
        Some("number"),
        "Divides a number by a number that is not zero.",
    )
    .infix("/")
    .calls(div),
    Builtin::new(
        "rem",
        &[("x", "number"), ("y", "number")],
        Some("number"),
        "Remainder of an integer division, with the sign of `x`.",
    )
    .infix("%")
    .calls(rem),
    Builtin::new("abs", &[("x", "number")], Some("number"), "Magnitude of a number.").calls(abs),
    Builtin::new("round", &[("x", "number")], Some("number"), "Nearest integer; halves go away from zero.")
        .calls(round),
    Builtin::new("ceil", &[("x", "number")], Some("number"), "Smallest integer that is not below `x`.")
        .calls(ceil),
    Builtin::new("floor", &[("x", "number")], Some("number"), "Largest integer that is not above `x`.")
        .calls(floor),
];

/// Integers of more bits than this are not made: the memory of a query is bounded.
const MAX_BITS: i64 = 1 << 26;

pub(crate) fn float(value: Value<'_>) -> Result<BigFloat, BuiltinError> {
    match BigFloat::parse(&number_text(value)) {
        Some(float) => Ok(float),
        None => failed("illegal value"),
    }
}

/// A number from a result, in OPA's text.
pub(crate) fn from_float<'q>(heap: Heap<'q>, result: &BigFloat, precision: u64) -> Answer<'q> {
    if result.magnitude().unsigned_abs() > MAX_BITS.unsigned_abs() {
        return Err(BuiltinError::Limit("number has too many digits".to_owned()));
    }
    from_text(heap, &result.text(precision))
}

pub(crate) fn from_text<'q>(heap: Heap<'q>, text: &str) -> Answer<'q> {
    heap.number(text).map_err(|_| BuiltinError::Failed("illegal value".to_owned()))
}

/// An operation on exact integers, and the one on floats that stands in where one is no integer.
struct Operation {
    small: fn(i64, i64) -> Option<i64>,
    exact: fn(BigInt, BigInt) -> BigInt,
    float: fn(&BigFloat, &BigFloat, u64) -> BigFloat,
}

fn apply<'q>(heap: Heap<'q>, x: Value<'q>, y: Value<'q>, operation: &Operation) -> Answer<'q> {
    if let (Some(a), Some(b)) = (x.as_int(), y.as_int())
        && let Some(result) = (operation.small)(a, b)
    {
        return Ok(Value::int(result));
    }
    if let (Some(a), Some(b)) = (integer_value(x), integer_value(y)) {
        return Ok(heap.bigint(&(operation.exact)(a, b)));
    }
    from_float(heap, &(operation.float)(&float(x)?, &float(y)?, OPA_PRECISION), OPA_PRECISION)
}

fn plus<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let operation = Operation { small: i64::checked_add, exact: |a, b| a + b, float: BigFloat::sum };
    numeric(context, args, &operation)
}

fn mul<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let operation = Operation { small: i64::checked_mul, exact: |a, b| a * b, float: BigFloat::product };
    numeric(context, args, &operation)
}

fn numeric<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>], operation: &Operation) -> Answer<'q> {
    number(arg(args, 0), 1)?;
    number(arg(args, 1), 2)?;
    apply(context.heap, arg(args, 0), arg(args, 1), operation)
}

fn minus<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let (x, y) = (arg(args, 0), arg(args, 1));
    let operation = Operation { small: i64::checked_sub, exact: |a, b| a - b, float: BigFloat::difference };
    match (x.kind(), y.kind()) {
        (Kind::Number, Kind::Number) => apply(context.heap, x, y, &operation),
        (Kind::Set, Kind::Set) => Ok(crate::sets::difference(context.heap, x, y)),
        (Kind::Set, Kind::Number) => Err(mismatch(2, y, &["set"])),
        (Kind::Number | Kind::Set, _) => Err(mismatch(2, y, &["number"])),
        _ => Err(BuiltinError::Type(format!(
            "operand 1 must be one of {{number, set}} but got {}",
            kind_name(x)
        ))),
    }
}

fn div<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    number(arg(args, 0), 1)?;
    number(arg(args, 1), 2)?;
    if let (Some(a), Some(b)) = (arg(args, 0).as_int(), arg(args, 1).as_int())
        // Zero has a sign, which a quotient keeps: `0 / -6` is `-0`.
        && a != 0
        && let (Some(quotient), Some(0)) = (a.checked_div(b), a.checked_rem(b))
    {
        return Ok(Value::int(quotient));
    }
    let divisor = float(arg(args, 1))?;
    if divisor.is_zero() {
        return failed("divide by zero");
    }
    let quotient = float(arg(args, 0))?.quotient(&divisor, OPA_PRECISION);
    from_float(context.heap, &quotient, OPA_PRECISION)
}

fn rem<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let (x, y) = (arg(args, 0), arg(args, 1));
    number(x, 1)?;
    number(y, 2)?;
    if let (Some(a), Some(b)) = (x.as_int(), y.as_int())
        && let Some(remainder) = a.checked_rem(b)
    {
        return Ok(Value::int(remainder));
    }
    match (integer_value(x), integer_value(y)) {
        (Some(_), Some(b)) if b.is_zero() => failed("modulo by zero"),
        (Some(a), Some(b)) => Ok(context.heap.bigint(&(a % b))),
        _ => failed("modulo on floating-point number"),
    }
}

fn abs<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    number(arg(args, 0), 1)?;
    if let Some(magnitude) = arg(args, 0).as_int().and_then(i64::checked_abs) {
        return Ok(Value::int(magnitude));
    }
    from_float(context.heap, &float(arg(args, 0))?.abs(), OPA_PRECISION)
}

fn rounding<'q>(
    context: &mut Context<'_, 'q>,
    args: &[Value<'q>],
    how: fn(&BigFloat) -> BigInt,
) -> Answer<'q> {
    number(arg(args, 0), 1)?;
    if let Some(i) = arg(args, 0).as_int() {
        return Ok(Value::int(i));
    }
    let float = float(arg(args, 0))?;
    if float.magnitude() > MAX_BITS {
        return Err(BuiltinError::Limit("number has too many digits".to_owned()));
    }
    let integer = how(&float);
    let precision = OPA_PRECISION.max(integer.bits());
    from_float(context.heap, &BigFloat::from_int(&integer), precision)
}

fn round<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    rounding(context, args, |x| {
        let half = BigFloat::from_int(&BigInt::one()).quotient(&BigFloat::from_int(&BigInt::from(2)), 53);
        let moved =
            if x.is_negative() { x.difference(&half, OPA_PRECISION) } else { x.sum(&half, OPA_PRECISION) };
        moved.truncated()
    })
}

// OPA looks at the sign of the truncated number, which is lost between -1 and 0: `ceil(-0.5)` is 1.
fn ceil<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    rounding(context, args, |x| {
        let whole = x.truncated();
        if x.is_integer() || x.is_negative() && !whole.is_zero() { whole } else { whole + 1 }
    })
}

fn floor<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    rounding(context, args, |x| {
        let whole = x.truncated();
        if x.is_integer() || !x.is_negative() || whole.is_zero() { whole } else { whole - 1 }
    })
}

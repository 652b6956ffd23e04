//! Bitwise operations on integers of any size.
//!
//! The one surprising fact: negative integers behave as two's complement with endless sign bits.

use crate::operand::{arg, bigint, operand};
use crate::{Answer, Builtin, BuiltinError, Context};
use govc_value::Value;
use num_bigint::{BigInt, Sign};
use num_traits::{ToPrimitive, Zero};

pub(crate) const TABLE: &[Builtin] = &[
    Builtin::new(
        "bits.and",
        &[("x", "number"), ("y", "number")],
        Some("number"),
        "Bitwise AND of two integers.",
    )
    .calls(bits_and),
    Builtin::new(
        "bits.lsh",
        &[("x", "number"), ("s", "number")],
        Some("number"),
        "Shifts the bits of an integer left.",
    )
    .calls(bits_lsh),
    Builtin::new("bits.negate", &[("x", "number")], Some("number"), "Flips every bit of an integer.")
        .calls(bits_negate),
    Builtin::new(
        "bits.or",
        &[("x", "number"), ("y", "number")],
        Some("number"),
        "Bitwise OR of two integers.",
    )
    .calls(bits_or),
    Builtin::new(
        "bits.rsh",
        &[("x", "number"), ("s", "number")],
        Some("number"),
        "Shifts the bits of an integer right, keeping the sign.",
    )
    .calls(bits_rsh),
    Builtin::new(
        "bits.xor",
        &[("x", "number"), ("y", "number")],
        Some("number"),
        "Bitwise exclusive OR of two integers.",
    )
    .calls(bits_xor),
];

/// Bits of the largest result of a left shift.
const MAX_BITS: u64 = 1 << 26;

fn two<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>], f: fn(BigInt, BigInt) -> BigInt) -> Answer<'q> {
    let (a, b) = (bigint(arg(args, 0), 1)?, bigint(arg(args, 1), 2)?);
    Ok(context.heap.bigint(&f(a, b)))
}

fn bits_and<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    two(context, args, |a, b| a & b)
}

fn bits_or<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    two(context, args, |a, b| a | b)
}

fn bits_xor<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    two(context, args, |a, b| a ^ b)
}

fn bits_negate<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    Ok(context.heap.bigint(&!bigint(arg(args, 0), 1)?))
}

fn shift(args: &[Value<'_>]) -> Result<(BigInt, BigInt), BuiltinError> {
    let (a, by) = (bigint(arg(args, 0), 1)?, bigint(arg(args, 1), 2)?);
    if by.sign() == Sign::Minus {
        return operand(2, "must be an unsigned integer number but got a negative integer");
    }
    Ok((a, by))
}

fn bits_lsh<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let (a, by) = shift(args)?;
    if a.is_zero() {
        return Ok(Value::int(0));
    }
    match by.to_u64().filter(|by| a.bits().saturating_add(*by) <= MAX_BITS) {
        Some(by) => Ok(context.heap.bigint(&(a << by))),
        None => Err(BuiltinError::Limit(format!("shift of {by} bits is over the limit of {MAX_BITS}"))),
    }
}

fn bits_rsh<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let (a, by) = shift(args)?;
    // OPA keeps the low 64 bits of the distance.
    let by = (by & BigInt::from(u64::MAX)).to_u64().unwrap_or(u64::MAX).min(a.bits() + 1);
    Ok(context.heap.bigint(&(a >> by)))
}

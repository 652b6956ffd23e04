//! Ranges of integers, and their digits.
//!
//! The one surprising fact: a range goes downwards when its first bound is the greater one.

use crate::bigfloat::BigFloat;
use crate::operand::{arg, bigint, failed, number, number_text, operand};
use crate::{Answer, Builtin, BuiltinError, Context};
use govc_value::Value;
use num_bigint::{BigInt, Sign};
use num_traits::{One, ToPrimitive};

pub(crate) const TABLE: &[Builtin] = &[
    Builtin::new(
        "numbers.range",
        &[("a", "number"), ("b", "number")],
        Some("array[number]"),
        "Integers from `a` to `b`, both included, upwards or downwards.",
    )
    .calls(numbers_range),
    Builtin::new(
        "numbers.range_step",
        &[("a", "number"), ("b", "number"), ("step", "number")],
        Some("array[number]"),
        "Integers from `a` to `b` at a distance of `step`.",
    )
    .calls(numbers_range_step),
    Builtin::new(
        "rand.intn",
        &[("str", "string"), ("n", "number")],
        Some("number"),
        "Random integer from 0 up to `abs(n)`, the same within a query for the same name.",
    )
    .nondeterministic(),
    Builtin::new(
        "format_int",
        &[("number", "number"), ("base", "number")],
        Some("string"),
        "Digits of a number, rounded down, in base 2, 8, 10 or 16.",
    )
    .calls(format_int),
];

/// Elements after which the memory limit is looked at again.
const CHECK_EVERY: usize = 1 << 16;
/// Elements of the longest range; beyond it the array alone would take gigabytes.
const MAX_ELEMENTS: u64 = 1 << 26;

fn numbers_range<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let (from, to) = (bigint(arg(args, 0), 1)?, bigint(arg(args, 1), 2)?);
    range(context, from, &to, BigInt::one())
}

fn numbers_range_step<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let (from, to) = (bigint(arg(args, 0), 1)?, bigint(arg(args, 1), 2)?);
    let step = bigint(arg(args, 2), 3)?;
    if step.sign() != Sign::Plus {
        return failed("numbers.range_step: step must be a positive integer");
    }
    range(context, from, &to, step)
}

fn range<'q>(context: &mut Context<'_, 'q>, from: BigInt, to: &BigInt, step: BigInt) -> Answer<'q> {
    let distance = if &from <= to { to - &from } else { &from - to };
    let count = (distance / &step).to_u64().filter(|n| *n < MAX_ELEMENTS);
    let Some(count) = count else {
        return Err(BuiltinError::Limit(format!("range of more than {MAX_ELEMENTS} elements")));
    };
    let step = if &from <= to { step } else { -step };
    let elements = match (from.to_i64(), step.to_i64(), to.to_i64()) {
        (Some(from), Some(step), Some(_)) => small_range(context, from, step, count)?,
        _ => big_range(context, from, &step, count)?,
    };
    Ok(context.heap.array(&elements))
}

fn small_range<'q>(
    context: &Context<'_, 'q>,
    from: i64,
    step: i64,
    count: u64,
) -> Result<Vec<Value<'q>>, BuiltinError> {
    let mut elements = Vec::new();
    let mut at = from;
    for _ in 0..=count {
        if elements.len() % CHECK_EVERY == 0 {
            context.check()?;
        }
        elements.push(Value::int(at));
        at = at.wrapping_add(step);
    }
    Ok(elements)
}

fn big_range<'q>(
    context: &Context<'_, 'q>,
    from: BigInt,
    step: &BigInt,
    count: u64,
) -> Result<Vec<Value<'q>>, BuiltinError> {
    let mut elements = Vec::new();
    let mut at = from;
    for _ in 0..=count {
        if elements.len() % CHECK_EVERY == 0 {
            context.check()?;
        }
        elements.push(context.heap.bigint(&at));
        at += step;
    }
    Ok(elements)
}

fn format_int<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    number(arg(args, 0), 1)?;
    number(arg(args, 1), 2)?;
    let radix = match number_text(arg(args, 1)).as_str() {
        "2" => 2,
        "8" => 8,
        "10" => 10,
        "16" => 16,
        _ => return operand(2, "must be one of {2, 8, 10, 16}"),
    };
    let text = number_text(arg(args, 0));
    // Only what is spelled as a whole number is exact in OPA; `1e30` goes through a float of its precision.
    let integer = match text.parse::<num_bigint::BigInt>() {
        Ok(integer) => integer,
        Err(_) => BigFloat::parse(&text).ok_or(BuiltinError::Failed("illegal value".to_owned()))?.truncated(),
    };
    Ok(context.heap.string(&integer.to_str_radix(radix)))
}

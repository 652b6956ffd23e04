//! Functions of a whole collection.
//!
//! The one surprising fact: sums and products of integers are exact at any size, but a product with
//! one fraction in it is computed with 53 bits where a sum has 64.

use crate::arithmetic::{float, from_float};
use crate::bigfloat::{BigFloat, OPA_PRECISION};
use crate::operand::{arg, element, elements, integer_value, mismatch};
use crate::{Answer, Builtin, BuiltinError, Context};
use govc_value::{Value, View};
use num_bigint::BigInt;

pub(crate) const TABLE: &[Builtin] = &[
    Builtin::new(
        "count",
        &[("collection", "any<string, array[any], object[any: any], set[any]>")],
        Some("number"),
        "Number of elements of a collection, or of characters of a string.",
    )
    .calls(count),
    Builtin::new(
        "sum",
        &[("collection", "any<array[number], set[number]>")],
        Some("number"),
        "Sum of the numbers of a collection.",
    )
    .calls(sum),
    Builtin::new(
        "product",
        &[("collection", "any<array[number], set[number]>")],
        Some("number"),
        "Product of the numbers of a collection.",
    )
    .calls(product),
    Builtin::new(
        "max",
        &[("collection", "any<array[any], set[any]>")],
        Some("any"),
        "Greatest element of a collection.",
    )
    .calls(max),
    Builtin::new(
        "min",
        &[("collection", "any<array[any], set[any]>")],
        Some("any"),
        "Least element of a collection.",
    )
    .calls(min),
    Builtin::new(
        "sort",
        &[("collection", "any<array[any], set[any]>")],
        Some("array[any]"),
        "Elements of a collection in ascending order.",
    )
    .calls(sort),
    Builtin::new(
        "all",
        &[("x", "any<array[any], set[any]>")],
        Some("boolean"),
        "Tells whether every element is `true`.",
    )
    .deprecated()
    .calls(all),
    Builtin::new(
        "any",
        &[("x", "any<array[any], set[any]>")],
        Some("boolean"),
        "Tells whether some element is `true`.",
    )
    .deprecated()
    .calls(any),
];

fn count<'q>(_: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let n = match arg(args, 0).view() {
        View::Array(array) => array.as_slice().len(),
        View::Object(object) => object.len(),
        View::Set(set) => set.as_slice().len(),
        View::String(text) => text.chars().count(),
        _ => return Err(mismatch(1, arg(args, 0), &["array", "object", "set", "string"])),
    };
    Ok(size(n))
}

/// A number of things, as a value.
pub(crate) fn size<'q>(n: usize) -> Value<'q> {
    Value::int(i64::try_from(n).unwrap_or(i64::MAX))
}

fn collection<'q>(args: &[Value<'q>], expected: &[&str]) -> Result<&'q [Value<'q>], BuiltinError> {
    elements(arg(args, 0)).ok_or_else(|| mismatch(1, arg(args, 0), expected))
}

fn numbers<'q>(args: &[Value<'q>]) -> Result<&'q [Value<'q>], BuiltinError> {
    let all = collection(args, &["set", "array"])?;
    match all.iter().find(|e| e.as_number().is_none()) {
        Some(odd) => Err(element(1, arg(args, 0), *odd, "number")),
        None => Ok(all),
    }
}

fn exact(all: &[Value<'_>], start: i64, step: fn(BigInt, BigInt) -> BigInt) -> Option<BigInt> {
    all.iter().try_fold(BigInt::from(start), |total, e| Some(step(total, integer_value(*e)?)))
}

fn sum<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let all = numbers(args)?;
    let small = all.iter().try_fold(0i64, |total, e| total.checked_add(e.as_int()?));
    if let Some(total) = small {
        return Ok(Value::int(total));
    }
    if let Some(total) = exact(all, 0, |a, b| a + b) {
        return Ok(context.heap.bigint(&total));
    }
    let mut total = BigFloat::from_int(&BigInt::from(0));
    for e in all {
        total = total.sum(&float(*e)?, OPA_PRECISION);
    }
    from_float(context.heap, &total, OPA_PRECISION)
}

fn product<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    const PRECISION: u64 = 53;
    let all = numbers(args)?;
    let small = all.iter().try_fold(1i64, |total, e| total.checked_mul(e.as_int()?));
    if let Some(total) = small {
        return Ok(Value::int(total));
    }
    if let Some(total) = exact(all, 1, |a, b| a * b) {
        return Ok(context.heap.bigint(&total));
    }
    let mut total = BigFloat::from_int(&BigInt::from(1));
    for e in all {
        total = total.product(&float(*e)?, PRECISION);
    }
    from_float(context.heap, &total, PRECISION)
}

/// Of equal elements (`1` and `1.0`) an array gives the last and a set its only one.
fn max<'q>(_: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let all = collection(args, &["set", "array"])?;
    Ok(all.iter().copied().reduce(|best, e| if best <= e { e } else { best }).unwrap_or(Value::UNDEFINED))
}

fn min<'q>(_: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let all = collection(args, &["set", "array"])?;
    Ok(all.iter().copied().reduce(|best, e| if best >= e { e } else { best }).unwrap_or(Value::UNDEFINED))
}

fn sort<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let mut all = collection(args, &["set", "array"])?.to_vec();
    all.sort();
    Ok(context.heap.array(&all))
}

fn all<'q>(_: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let all = collection(args, &["array", "set"])?;
    Ok(Value::bool(all.iter().all(|e| e.as_bool() == Some(true))))
}

fn any<'q>(_: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let all = collection(args, &["array", "set"])?;
    Ok(Value::bool(all.iter().any(|e| e.as_bool() == Some(true))))
}

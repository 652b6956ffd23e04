//! Functions of sets.
//!
//! The one surprising fact: `intersection` and `union` name operand 1 when an inner value is no set.

use crate::operand::{arg, set};
use crate::{Answer, Builtin, Context};
use govc_value::{Heap, Set, Value};

pub(crate) const TABLE: &[Builtin] = &[
    Builtin::new(
        "and",
        &[("x", "set[any]"), ("y", "set[any]")],
        Some("set[any]"),
        "Elements that both sets hold.",
    )
    .infix("&")
    .calls(and),
    Builtin::new(
        "or",
        &[("x", "set[any]"), ("y", "set[any]")],
        Some("set[any]"),
        "Elements that at least one of the sets holds.",
    )
    .infix("|")
    .calls(or),
    Builtin::new(
        "intersection",
        &[("xs", "set[set[any]]")],
        Some("set[any]"),
        "Elements that every set of a set of sets holds.",
    )
    .calls(intersection),
    Builtin::new(
        "union",
        &[("xs", "set[set[any]]")],
        Some("set[any]"),
        "Elements that some set of a set of sets holds.",
    )
    .calls(union),
    Builtin::new(
        "set_diff",
        &[("x", "set[any]"), ("y", "set[any]")],
        Some("set[any]"),
        "Elements of the first set that the second does not hold.",
    )
    .deprecated()
    .calls(set_diff),
];

/// Elements of one set that another does not hold; both values are sets.
pub(crate) fn difference<'q>(heap: Heap<'q>, a: Value<'q>, b: Value<'q>) -> Value<'q> {
    match (a.as_set(), b.as_set()) {
        (Some(a), Some(b)) => {
            let mut kept: Vec<_> = a.as_slice().iter().copied().filter(|e| !b.contains(*e)).collect();
            heap.set(&mut kept)
        }
        _ => Value::UNDEFINED,
    }
}

fn common<'q>(a: &[Value<'q>], b: Set<'q>) -> Vec<Value<'q>> {
    a.iter().copied().filter(|e| b.contains(*e)).collect()
}

fn and<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let (a, b) = (set(arg(args, 0), 1)?, set(arg(args, 1), 2)?);
    let mut both = common(a.as_slice(), b);
    Ok(context.heap.set(&mut both))
}

fn or<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let (a, b) = (set(arg(args, 0), 1)?, set(arg(args, 1), 2)?);
    let mut either = [a.as_slice(), b.as_slice()].concat();
    Ok(context.heap.set(&mut either))
}

fn set_diff<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    set(arg(args, 0), 1)?;
    set(arg(args, 1), 2)?;
    Ok(difference(context.heap, arg(args, 0), arg(args, 1)))
}

fn intersection<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let mut result: Option<Vec<Value<'q>>> = None;
    for inner in set(arg(args, 0), 1)?.as_slice() {
        let inner = set(*inner, 1)?;
        result = Some(match result {
            None => inner.as_slice().to_vec(),
            Some(so_far) => common(&so_far, inner),
        });
    }
    Ok(context.heap.set(&mut result.unwrap_or_default()))
}

fn union<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let mut all = Vec::new();
    for inner in set(arg(args, 0), 1)?.as_slice() {
        all.extend_from_slice(set(*inner, 1)?.as_slice());
    }
    Ok(context.heap.set(&mut all))
}

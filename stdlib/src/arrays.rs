//! Functions of arrays.
//!
//! The one surprising fact: a slice with bounds outside the array is cut to fit, never an error.

use crate::operand::{arg, array, int};
use crate::{Answer, Builtin, Context};
use govc_value::Value;

pub(crate) const TABLE: &[Builtin] = &[
    Builtin::new(
        "array.concat",
        &[("x", "array[any]"), ("y", "array[any]")],
        Some("array[any]"),
        "Joins two arrays.",
    )
    .calls(array_concat),
    Builtin::new(
        "array.flatten",
        &[("arr", "array[any]")],
        Some("array[any]"),
        "Replaces each array that is an element by its own elements, one level deep.",
    )
    .calls(array_flatten),
    Builtin::new("array.reverse", &[("arr", "array[any]")], Some("array[any]"), "Elements in reverse order.")
        .calls(array_reverse),
    Builtin::new(
        "array.slice",
        &[("arr", "array[any]"), ("start", "number"), ("stop", "number")],
        Some("array[any]"),
        "Elements from `start` up to, but without, `stop`.",
    )
    .calls(array_slice),
];

fn array_concat<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let first = array(arg(args, 0), 1)?.as_slice();
    let second = array(arg(args, 1), 2)?.as_slice();
    Ok(context.heap.array(&[first, second].concat()))
}

fn array_flatten<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let mut flat = Vec::new();
    for element in array(arg(args, 0), 1)?.as_slice() {
        match element.as_array() {
            Some(nested) => flat.extend_from_slice(nested.as_slice()),
            None => flat.push(*element),
        }
    }
    Ok(context.heap.array(&flat))
}

fn array_slice<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let all = array(arg(args, 0), 1)?.as_slice();
    let start = int(arg(args, 1), 2)?;
    let stop = usize::try_from(int(arg(args, 2), 3)?.max(0)).unwrap_or(usize::MAX).min(all.len());
    let start = usize::try_from(start.max(0)).unwrap_or(usize::MAX).min(stop);
    Ok(context.heap.array(all.get(start..stop).unwrap_or_default()))
}

fn array_reverse<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let mut all = array(arg(args, 0), 1)?.as_slice().to_vec();
    all.reverse();
    Ok(context.heap.array(&all))
}

//! Equality, order and membership.
//!
//! The one surprising fact: every two values compare, whatever their types; the order is OPA's.

use crate::operand::arg;
use crate::{Answer, Builtin, Context};
use govc_value::{Value, View};
use std::cmp::Ordering;

pub(crate) const TABLE: &[Builtin] = &[
    Builtin::new(
        "assign",
        &[("x", "any"), ("y", "any")],
        Some("boolean"),
        "Assigns `y` to the variable `x`; replaced by the compiler.",
    )
    .infix(":="),
    Builtin::new(
        "eq",
        &[("x", "any"), ("y", "any")],
        Some("boolean"),
        "Unifies `x` and `y`; replaced by the compiler.",
    )
    .infix("=")
    .calls(eq),
    Builtin::new(
        "equal",
        &[("x", "any"), ("y", "any")],
        Some("boolean"),
        "Tells whether `x` and `y` are the same value.",
    )
    .infix("==")
    .calls(equal),
    Builtin::new(
        "neq",
        &[("x", "any"), ("y", "any")],
        Some("boolean"),
        "Tells whether `x` and `y` are different values.",
    )
    .infix("!=")
    .calls(neq),
    Builtin::new(
        "lt",
        &[("x", "any"), ("y", "any")],
        Some("boolean"),
        "Tells whether `x` comes before `y` in the order of all values.",
    )
    .infix("<")
    .calls(lt),
    Builtin::new(
        "lte",
        &[("x", "any"), ("y", "any")],
        Some("boolean"),
        "Tells whether `x` comes before `y` or equals it.",
    )
    .infix("<=")
    .calls(lte),
    Builtin::new(
        "gt",
        &[("x", "any"), ("y", "any")],
        Some("boolean"),
        "Tells whether `x` comes after `y` in the order of all values.",
    )
    .infix(">")
    .calls(gt),
    Builtin::new(
        "gte",
        &[("x", "any"), ("y", "any")],
        Some("boolean"),
        "Tells whether `x` comes after `y` or equals it.",
    )
    .infix(">=")
    .calls(gte),
    Builtin::new(
        "internal.member_2",
        &[("x", "any"), ("y", "any")],
        Some("boolean"),
        "Tells whether a collection holds a value.",
    )
    .infix("in")
    .calls(internal_member_2),
    Builtin::new(
        "internal.member_3",
        &[("x", "any"), ("y", "any"), ("z", "any")],
        Some("boolean"),
        "Tells whether a collection holds a value at a key.",
    )
    .infix("in")
    .calls(internal_member_3),
];

fn compare<'q>(args: &[Value<'q>], holds: fn(Ordering) -> bool) -> Answer<'q> {
    Ok(Value::bool(holds(arg(args, 0).cmp(&arg(args, 1)))))
}

fn eq<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    equal(context, args)
}

fn equal<'q>(_: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    Ok(Value::bool(arg(args, 0) == arg(args, 1)))
}

fn neq<'q>(_: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    Ok(Value::bool(arg(args, 0) != arg(args, 1)))
}

fn lt<'q>(_: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    compare(args, Ordering::is_lt)
}

fn lte<'q>(_: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    compare(args, Ordering::is_le)
}

fn gt<'q>(_: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    compare(args, Ordering::is_gt)
}

fn gte<'q>(_: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    compare(args, Ordering::is_ge)
}

fn internal_member_2<'q>(_: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let element = arg(args, 0);
    Ok(Value::bool(match arg(args, 1).view() {
        View::Set(set) => set.contains(element),
        View::Array(array) => array.as_slice().contains(&element),
        View::Object(object) => object.values().contains(&element),
        _ => false,
    }))
}

fn internal_member_3<'q>(_: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let (key, value) = (arg(args, 0), arg(args, 1));
    Ok(Value::bool(match arg(args, 2).view() {
        View::Set(set) => key == value && set.contains(key),
        View::Array(_) | View::Object(_) => arg(args, 2).get(key) == value,
        _ => false,
    }))
}

//! Equality, order and membership.
//!
//! The one surprising fact: every two values compare, whatever their types; the order is OPA's.

use crate::operand::arg;
use crate::{Answer, Builtin, Context};
use govc_value::{Value, View};
use std::cmp::Ordering;

@TABLE comparison@

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

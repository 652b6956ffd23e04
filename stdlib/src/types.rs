//! Tests for the type of a value.
//!
//! The one surprising fact: they are false, not undefined, for values of other types.

use crate::operand::{arg, kind_name};
use crate::{Answer, Builtin, Context};
use govc_value::{Kind, Value};

pub(crate) const TABLE: &[Builtin] = &[
    Builtin::new("is_array", &[("x", "any")], Some("boolean"), "Tells whether a value is an array.")
        .calls(is_array),
    Builtin::new("is_boolean", &[("x", "any")], Some("boolean"), "Tells whether a value is a Boolean.")
        .calls(is_boolean),
    Builtin::new("is_null", &[("x", "any")], Some("boolean"), "Tells whether a value is null.")
        .calls(is_null),
    Builtin::new("is_number", &[("x", "any")], Some("boolean"), "Tells whether a value is a number.")
        .calls(is_number),
    Builtin::new("is_object", &[("x", "any")], Some("boolean"), "Tells whether a value is an object.")
        .calls(is_object),
    Builtin::new("is_set", &[("x", "any")], Some("boolean"), "Tells whether a value is a set.").calls(is_set),
    Builtin::new("is_string", &[("x", "any")], Some("boolean"), "Tells whether a value is a string.")
        .calls(is_string),
    Builtin::new("type_name", &[("x", "any")], Some("string"), "Name of the type of a value.")
        .calls(type_name),
];

fn is<'q>(args: &[Value<'q>], kind: Kind) -> Answer<'q> {
    Ok(Value::bool(arg(args, 0).kind() == kind))
}

fn is_array<'q>(_: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    is(args, Kind::Array)
}

fn is_boolean<'q>(_: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    is(args, Kind::Bool)
}

fn is_null<'q>(_: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    is(args, Kind::Null)
}

fn is_number<'q>(_: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    is(args, Kind::Number)
}

fn is_object<'q>(_: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    is(args, Kind::Object)
}

fn is_set<'q>(_: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    is(args, Kind::Set)
}

fn is_string<'q>(_: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    is(args, Kind::String)
}

fn type_name<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    Ok(context.heap.string(kind_name(arg(args, 0))))
}

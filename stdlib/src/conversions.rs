//! Values of one type made from, or checked to be of, another.
//!
//! The one surprising fact: the `cast_` functions convert nothing but arrays and sets.

use crate::bigfloat::BigFloat;
use crate::operand::{arg, elements, failed, mismatch};
use crate::{Answer, Builtin, Context};
use govc_value::{Kind, Value, View};

pub(crate) const TABLE: &[Builtin] = &[
    Builtin::new(
        "to_number",
        &[("value", "any<null, boolean, number, string>")],
        Some("number"),
        "Number for a null, Boolean, number or string.",
    )
    .calls(to_number),
    Builtin::new(
        "cast_array",
        &[("x", "any")],
        Some("array[any]"),
        "Array of the elements of a set, or the array itself.",
    )
    .deprecated()
    .calls(cast_array),
    Builtin::new("cast_boolean", &[("x", "any")], Some("boolean"), "The Boolean itself.")
        .deprecated()
        .calls(cast_boolean),
    Builtin::new("cast_null", &[("x", "any")], Some("null"), "The null itself.")
        .deprecated()
        .calls(cast_null),
    Builtin::new("cast_object", &[("x", "any")], Some("object[any: any]"), "The object itself.")
        .deprecated()
        .calls(cast_object),
    Builtin::new(
        "cast_set",
        &[("x", "any")],
        Some("set[any]"),
        "Set of the elements of an array, or the set itself.",
    )
    .deprecated()
    .calls(cast_set),
    Builtin::new("cast_string", &[("x", "any")], Some("string"), "The string itself.")
        .deprecated()
        .calls(cast_string),
];

fn to_number<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    match arg(args, 0).view() {
        View::Null => Ok(Value::int(0)),
        View::Bool(b) => Ok(Value::int(i64::from(b))),
        View::Number(_) => Ok(arg(args, 0)),
        View::String(text) => parse_number(context, arg(args, 0), text),
        _ => Err(mismatch(1, arg(args, 0), &["null", "boolean", "number", "string"])),
    }
}

fn parse_number<'q>(context: &mut Context<'_, 'q>, operand: Value<'q>, text: &str) -> Answer<'q> {
    let name = text.trim_start_matches(['+', '-']).to_lowercase();
    if ["inf", "infinity", "nan"].contains(&name.as_str()) {
        return Err(mismatch(1, operand, &["valid number string"]));
    }
    if let Ok(number) = context.heap.number(text) {
        return if text.parse::<f64>().is_ok_and(f64::is_infinite) { out_of_range(text) } else { Ok(number) };
    }
    // Go also reads `+5`, `.5` and `5.`; OPA then holds a number that it cannot print.
    match BigFloat::parse(text) {
        Some(float) => crate::arithmetic::from_float(context.heap, &float, 64),
        None => failed(format!("strconv.ParseFloat: parsing {}: invalid syntax", crate::go::quote(text))),
    }
}

fn out_of_range<'q>(text: &str) -> Answer<'q> {
    failed(format!("strconv.ParseFloat: parsing {}: value out of range", crate::go::quote(text)))
}

fn cast_array<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    match elements(arg(args, 0)) {
        Some(elements) => Ok(context.heap.array(elements)),
        None => Err(mismatch(1, arg(args, 0), &["array", "set"])),
    }
}

fn cast_set<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    match elements(arg(args, 0)) {
        Some(elements) => Ok(context.heap.set(&mut elements.to_vec())),
        None => Err(mismatch(1, arg(args, 0), &["array", "set"])),
    }
}

fn same<'q>(args: &[Value<'q>], kind: Kind, name: &str) -> Answer<'q> {
    if arg(args, 0).kind() == kind { Ok(arg(args, 0)) } else { Err(mismatch(1, arg(args, 0), &[name])) }
}

fn cast_string<'q>(_: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    same(args, Kind::String, "string")
}

fn cast_boolean<'q>(_: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    same(args, Kind::Bool, "boolean")
}

fn cast_null<'q>(_: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    same(args, Kind::Null, "null")
}

fn cast_object<'q>(_: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    same(args, Kind::Object, "object")
}

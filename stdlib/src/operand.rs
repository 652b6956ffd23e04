//! Reading operands, with OPA's texts when they are of another type.
//!
//! The one surprising fact: positions count from 1, and some of OPA's builtins name operand 1
//! whichever operand is wrong; callers pass the position that OPA prints.

use crate::BuiltinError;
use govc_value::{Array, Kind, Number, Object, Set, Value, View};
use num_bigint::BigInt;

/// OPA's name of the type of a value.
pub(crate) fn kind_name(value: Value<'_>) -> &'static str {
    match value.kind() {
        Kind::Undefined => "undefined",
        Kind::Null => "null",
        Kind::Bool => "boolean",
        Kind::Number => "number",
        Kind::String => "string",
        Kind::Array => "array",
        Kind::Object => "object",
        Kind::Set => "set",
    }
}

/// An error of OPA's `eval_builtin_error` code.
pub(crate) fn failed<T>(text: impl Into<String>) -> Result<T, BuiltinError> {
    Err(BuiltinError::Failed(text.into()))
}

/// An operand error with a text of its own.
pub(crate) fn operand<T>(position: usize, text: impl std::fmt::Display) -> Result<T, BuiltinError> {
    Err(BuiltinError::Type(format!("operand {position} {text}")))
}

/// An operand of a type that is not among the expected ones.
pub(crate) fn mismatch(position: usize, got: Value<'_>, expected: &[&str]) -> BuiltinError {
    let got = kind_name(got);
    BuiltinError::Type(match expected {
        [one] => format!("operand {position} must be {one} but got {got}"),
        many => format!("operand {position} must be one of {{{}}} but got {got}", many.join(", ")),
    })
}

/// A collection with an element of a type that is not expected.
pub(crate) fn element(position: usize, whole: Value<'_>, got: Value<'_>, expected: &str) -> BuiltinError {
    let whole = kind_name(whole);
    let got = kind_name(got);
    BuiltinError::Type(format!(
        "operand {position} must be {whole} of {expected}s but got {whole} containing {got}"
    ))
}

/// The operand at an index; undefined when a caller gave too few.
pub(crate) fn arg<'q>(args: &[Value<'q>], index: usize) -> Value<'q> {
    args.get(index).copied().unwrap_or(Value::UNDEFINED)
}

pub(crate) fn string<'q>(value: Value<'q>, position: usize) -> Result<&'q str, BuiltinError> {
    value.as_str().ok_or_else(|| mismatch(position, value, &["string"]))
}

pub(crate) fn array<'q>(value: Value<'q>, position: usize) -> Result<Array<'q>, BuiltinError> {
    value.as_array().ok_or_else(|| mismatch(position, value, &["array"]))
}

pub(crate) fn object<'q>(value: Value<'q>, position: usize) -> Result<Object<'q>, BuiltinError> {
    value.as_object().ok_or_else(|| mismatch(position, value, &["object"]))
}

pub(crate) fn set<'q>(value: Value<'q>, position: usize) -> Result<Set<'q>, BuiltinError> {
    value.as_set().ok_or_else(|| mismatch(position, value, &["set"]))
}

pub(crate) fn number<'q>(value: Value<'q>, position: usize) -> Result<Number<'q>, BuiltinError> {
    value.as_number().ok_or_else(|| mismatch(position, value, &["number"]))
}

/// An integer of 64 bits.
pub(crate) fn int(value: Value<'_>, position: usize) -> Result<i64, BuiltinError> {
    let integer = match number(value, position)? {
        Number::Int(i) => Some(i),
        _ => short_integer(&number_text(value)),
    };
    match integer {
        Some(i) => Ok(i),
        None => operand(position, "must be integer number but got floating-point number"),
    }
}

/// An integer of any size.
pub(crate) fn bigint(value: Value<'_>, position: usize) -> Result<BigInt, BuiltinError> {
    if value.as_number().is_none() {
        return Err(mismatch(position, value, &["integer"]));
    }
    match integer_value(value) {
        Some(i) => Ok(i),
        None => operand(position, "must be integer number but got floating-point number"),
    }
}

/// The exact integer that a number is, if it is one.
pub(crate) fn integer_value(value: Value<'_>) -> Option<BigInt> {
    if let Some(i) = value.as_int() {
        return Some(BigInt::from(i));
    }
    value.as_number()?;
    crate::bigfloat::integer_from_text(&number_text(value))
}

/// The decimal text of a number, as OPA prints it.
pub(crate) fn number_text(value: Value<'_>) -> String {
    match value.view() {
        View::Number(Number::Int(i)) => i.to_string(),
        View::Number(Number::Text(text)) => text.to_owned(),
        _ => govc_value::json::to_string(value),
    }
}

/// The elements of an array or set.
pub(crate) fn elements<'q>(value: Value<'q>) -> Option<&'q [Value<'q>]> {
    match value.view() {
        View::Array(array) => Some(array.as_slice()),
        View::Set(set) => Some(set.as_slice()),
        _ => None,
    }
}

/// The strings of an array or set.
pub(crate) fn string_list<'q>(value: Value<'q>, position: usize) -> Result<Vec<&'q str>, BuiltinError> {
    let Some(elements) = elements(value) else {
        return Err(mismatch(position, value, &["array", "set"]));
    };
    elements.iter().map(|e| e.as_str().ok_or_else(|| element(position, value, *e, "string"))).collect()
}

/// The Rego text of a value.
pub(crate) fn rego(value: Value<'_>) -> String {
    let mut text = String::new();
    govc_value::text::write_rego(value, &mut text);
    text
}

/// The integer that OPA reads from `7` and `7.0`, but not from `7e0` or more than 19 characters.
pub(crate) fn short_integer(text: &str) -> Option<i64> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    if unsigned.len() > 19 {
        return None;
    }
    let whole = match text.split_once('.') {
        Some((whole, zeros)) if zeros.bytes().all(|b| b == b'0') => whole,
        Some(_) => return None,
        None => text,
    };
    whole.parse().ok()
}

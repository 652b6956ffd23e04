//! Functions of objects.
//!
//! The one surprising fact: `object.subset` also compares sets, arrays, and an array with a set,
//! and an array contains another only as a run of neighbours.

use crate::operand::{arg, array, element, elements, mismatch, object};
use crate::{Answer, Builtin, BuiltinError, Context};
use govc_value::{Array, Heap, Object, Set, Value, View};

pub(crate) const TABLE: &[Builtin] = &[
    Builtin::new(
        "object.filter",
        &[("object", "object[any: any]"), ("keys", "any<array[any], object[any: any], set[any]>")],
        Some("object[any: any]"),
        "Entries whose keys are asked for.",
    )
    .calls(object_filter),
    Builtin::new(
        "object.get",
        &[("object", "object[any: any]"), ("key", "any"), ("default", "any")],
        Some("any"),
        "Value at a key or path, or a default.",
    )
    .calls(object_get),
    Builtin::new(
        "object.keys",
        &[("object", "object[any: any]")],
        Some("set[any]"),
        "Set of the keys of an object.",
    )
    .calls(object_keys),
    Builtin::new(
        "object.remove",
        &[("object", "object[any: any]"), ("keys", "any<array[any], object[any: any], set[any]>")],
        Some("object[any: any]"),
        "Entries whose keys are not named.",
    )
    .calls(object_remove),
    Builtin::new(
        "object.subset",
        &[
            ("super", "any<array[any], object[any: any], set[any]>"),
            ("sub", "any<array[any], object[any: any], set[any]>"),
        ],
        Some("boolean"),
        "Tells whether an object, set or array contains another one.",
    )
    .calls(object_subset),
    Builtin::new(
        "object.union",
        &[("a", "object[any: any]"), ("b", "object[any: any]")],
        Some("object[any: any]"),
        "Entries of two objects; those of the second win, nested objects are merged.",
    )
    .calls(object_union),
    Builtin::new(
        "object.union_n",
        &[("objects", "array[object[any: any]]")],
        Some("object[any: any]"),
        "Entries of several objects; later ones win, nested objects are merged.",
    )
    .calls(object_union_n),
];

fn object_get<'q>(_: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    object(arg(args, 0), 1)?;
    let found = match arg(args, 1).as_array() {
        Some(path) => path.as_slice().iter().fold(arg(args, 0), |at, key| at.get(*key)),
        None => arg(args, 0).get(arg(args, 1)),
    };
    Ok(if found.is_undefined() { arg(args, 2) } else { found })
}

fn object_keys<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let mut keys = object(arg(args, 0), 1)?.keys().to_vec();
    Ok(context.heap.set(&mut keys))
}

/// The keys that an array, set or object names, as a set.
fn named_keys<'q>(heap: Heap<'q>, value: Value<'q>) -> Result<Value<'q>, BuiltinError> {
    let keys = match value.view() {
        View::Object(object) => object.keys(),
        _ => elements(value).ok_or_else(|| mismatch(2, value, &["object", "set", "array"]))?,
    };
    Ok(heap.set(&mut keys.to_vec()))
}

fn chosen<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>], keep_named: bool) -> Answer<'q> {
    let all = object(arg(args, 0), 1)?;
    let named = named_keys(context.heap, arg(args, 1))?;
    let mut kept: Vec<_> =
        all.iter().filter(|(key, _)| named.get(*key).is_undefined() != keep_named).collect();
    Ok(context.heap.object(&mut kept))
}

fn object_remove<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    chosen(context, args, false)
}

fn object_filter<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    chosen(context, args, true)
}

fn object_union<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let (a, b) = (object(arg(args, 0), 1)?, object(arg(args, 1), 2)?);
    Ok(merged(context.heap, a, b))
}

/// The entries of both; those of `b` win, and where both are objects they are merged.
fn merged<'q>(heap: Heap<'q>, a: Object<'q>, b: Object<'q>) -> Value<'q> {
    let mut entries: Vec<_> = a.iter().collect();
    for (key, value) in b.iter() {
        let value = match (a.get(key).as_object(), value.as_object()) {
            (Some(old), Some(new)) => merged(heap, old, new),
            _ => value,
        };
        entries.push((key, value));
    }
    heap.object(&mut entries)
}

fn object_union_n<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let all = array(arg(args, 0), 1)?.as_slice();
    if let Some(odd) = all.iter().find(|e| e.as_object().is_none()) {
        return Err(element(1, arg(args, 0), *odd, "object"));
    }
    let mut total = context.heap.object(&mut Vec::new());
    for next in all {
        if let (Some(a), Some(b)) = (total.as_object(), next.as_object()) {
            total = merged(context.heap, a, b);
        }
    }
    Ok(total)
}

fn object_subset<'q>(_: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let holds = match (arg(args, 0).view(), arg(args, 1).view()) {
        (View::Array(whole), View::Set(part)) => array_holds_set(whole, part),
        (View::Object(_), View::Object(_))
        | (View::Set(_), View::Set(_))
        | (View::Array(_), View::Array(_)) => contains(arg(args, 0), arg(args, 1)),
        _ => {
            let text = "both arguments object.subset must be of the same type or array and set";
            return Err(BuiltinError::Type(text.to_owned()));
        }
    };
    Ok(Value::bool(holds))
}

fn contains(whole: Value<'_>, part: Value<'_>) -> bool {
    match (whole.view(), part.view()) {
        (View::Object(whole), View::Object(part)) => part.iter().all(|(key, value)| {
            let found = whole.get(key);
            !found.is_undefined() && (found == value || contains(found, value))
        }),
        (View::Set(whole), View::Set(part)) => part.as_slice().iter().all(|e| whole.contains(*e)),
        (View::Array(whole), View::Array(part)) => array_holds_run(whole, part),
        _ => false,
    }
}

/// OPA steps by one after a failed run, so this is the plain search for neighbours.
fn array_holds_run(whole: Array<'_>, part: Array<'_>) -> bool {
    let (whole, part) = (whole.as_slice(), part.as_slice());
    part.is_empty() || whole.windows(part.len()).any(|run| run == part)
}

fn array_holds_set(whole: Array<'_>, part: Set<'_>) -> bool {
    let mut missing = part.as_slice().len();
    // Equal elements of the array count twice, as in OPA.
    for element in whole.as_slice() {
        if part.contains(*element) {
            missing = missing.saturating_sub(1);
        }
        if missing == 0 {
            return true;
        }
    }
    false
}

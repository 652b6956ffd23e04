//! Documents filtered, cut and patched by path.
//!
//! The one surprising fact: in `json.filter` and `json.remove` a path names the elements of an array
//! by strings, and a path that is the start of another one swallows it.

use crate::operand::{arg, array, elements, failed, kind_name, mismatch, object, operand, rego};
use crate::{Answer, Builtin, BuiltinError, Context};
use govc_value::{Heap, Value, View};
use std::collections::BTreeMap;

pub(crate) const TABLE: &[Builtin] = &[
    Builtin::new(
        "json.filter",
        &[
            ("object", "object[any: any]"),
            ("paths", "any<array[any<string, array[any]>], set[any<string, array[any]>]>"),
        ],
        Some("object[any: any]"),
        "Parts of a document that lie at the given paths.",
    )
    .calls(json_filter),
    Builtin::new(
        "json.remove",
        &[
            ("object", "object[any: any]"),
            ("paths", "any<array[any<string, array[any]>], set[any<string, array[any]>]>"),
        ],
        Some("object[any: any]"),
        "Document without the parts at the given paths.",
    )
    .calls(json_remove),
    Builtin::new(
        "json.patch",
        &[("target", "any"), ("patches", "array[object<op: string, path: any>[any: any]]")],
        Some("any"),
        "Document after the operations of an RFC 6902 patch.",
    )
    .calls(json_patch),
];

/// Parts of a document: all of it, or some parts by key.
enum Parts<'q> {
    All,
    Some(BTreeMap<Value<'q>, Parts<'q>>),
}

impl<'q> Parts<'q> {
    fn add(&mut self, path: &[Value<'q>]) {
        let Self::Some(children) = self else { return };
        match path {
            [] => {}
            [last] => {
                children.insert(*last, Self::All);
            }
            [first, rest @ ..] => {
                children.entry(*first).or_insert_with(|| Self::Some(BTreeMap::new())).add(rest);
            }
        }
    }
    fn get(&self, key: Value<'q>) -> Option<&Self> {
        match self {
            Self::All => Some(self),
            Self::Some(children) => children.get(&key),
        }
    }
}

/// The segments of a path: a JSON pointer without regard to its first slashes, or an array.
fn path<'q>(heap: Heap<'q>, value: Value<'q>) -> Result<Vec<Value<'q>>, BuiltinError> {
    match value.view() {
        View::String("") => Ok(Vec::new()),
        View::String(text) => Ok(text
            .trim_start_matches('/')
            .split('/')
            .map(|part| heap.string(&part.replace("~1", "/").replace("~0", "~")))
            .collect()),
        View::Array(array) => Ok(array.as_slice().to_vec()),
        _ => operand(
            2,
            format_args!(
                "must be one of {{set, array}} containing string paths or array of path segments but got {}",
                kind_name(value)
            ),
        ),
    }
}

fn parts<'q>(heap: Heap<'q>, value: Value<'q>) -> Result<Parts<'q>, BuiltinError> {
    let paths = elements(value).ok_or_else(|| mismatch(2, value, &["set", "array"]))?;
    let paths = paths.iter().map(|p| path(heap, *p)).collect::<Result<Vec<_>, _>>()?;
    let mut parts = Parts::Some(BTreeMap::new());
    for path in &paths {
        parts.add(path);
    }
    Ok(parts)
}

fn index_key<'q>(heap: Heap<'q>, index: usize) -> Value<'q> {
    heap.string(&index.to_string())
}

fn json_filter<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    object(arg(args, 0), 1)?;
    let parts = parts(context.heap, arg(args, 1))?;
    Ok(filtered(context.heap, arg(args, 0), &parts))
}

fn filtered<'q>(heap: Heap<'q>, value: Value<'q>, parts: &Parts<'q>) -> Value<'q> {
    if matches!(parts, Parts::All) {
        return value;
    }
    match value.view() {
        View::Array(array) => {
            let kept: Vec<_> = array
                .as_slice()
                .iter()
                .enumerate()
                .filter_map(|(i, e)| Some(filtered(heap, *e, parts.get(index_key(heap, i))?)))
                .collect();
            heap.array(&kept)
        }
        View::Set(set) => {
            let mut kept: Vec<_> =
                set.as_slice().iter().filter_map(|e| Some(filtered(heap, *e, parts.get(*e)?))).collect();
            heap.set(&mut kept)
        }
        View::Object(object) => {
            let mut kept: Vec<_> =
                object.iter().filter_map(|(k, v)| Some((k, filtered(heap, v, parts.get(k)?)))).collect();
            heap.object(&mut kept)
        }
        _ => value,
    }
}

fn json_remove<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    object(arg(args, 0), 1)?;
    let parts = parts(context.heap, arg(args, 1))?;
    Ok(removed(context.heap, arg(args, 0), Some(&parts)).unwrap_or(Value::UNDEFINED))
}

/// What is left of a value; nothing when all of it goes.
fn removed<'q>(heap: Heap<'q>, value: Value<'q>, parts: Option<&Parts<'q>>) -> Option<Value<'q>> {
    let Some(parts) = parts else { return Some(value) };
    if matches!(parts, Parts::All) {
        return None;
    }
    Some(match value.view() {
        View::Array(array) => {
            let kept: Vec<_> = array
                .as_slice()
                .iter()
                .enumerate()
                .filter_map(|(i, e)| removed(heap, *e, parts.get(index_key(heap, i))))
                .collect();
            heap.array(&kept)
        }
        View::Set(set) => {
            let mut kept: Vec<_> =
                set.as_slice().iter().filter_map(|e| removed(heap, *e, parts.get(*e))).collect();
            heap.set(&mut kept)
        }
        View::Object(object) => {
            let mut kept: Vec<_> =
                object.iter().filter_map(|(k, v)| Some((k, removed(heap, v, parts.get(k))?))).collect();
            heap.object(&mut kept)
        }
        _ => value,
    })
}

fn json_patch<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let operations = array(arg(args, 1), 2)?;
    let mut document = arg(args, 0);
    for operation in operations.as_slice() {
        document = patched(context.heap, document, *operation)?;
        context.check()?;
    }
    Ok(document)
}

fn attribute<'q>(operation: Value<'q>, name: &str) -> Result<Value<'q>, BuiltinError> {
    let value = operation.as_object().map_or(Value::UNDEFINED, |o| o.get_str(name));
    if value.is_undefined() { failed(format!("missing required attribute '{name}'")) } else { Ok(value) }
}

fn patched<'q>(heap: Heap<'q>, document: Value<'q>, operation: Value<'q>) -> Answer<'q> {
    if operation.as_object().is_none() {
        return failed("must be an array of JSON-Patch objects, but at least one element is not an object");
    }
    let target = attribute(operation, "path")?;
    let name = attribute(operation, "op")?;
    let Some(name) = name.as_str() else {
        return failed(format!("attribute 'op' must be a string but found: {}", kind_name(name)));
    };
    let target = path(heap, target)?;
    match name {
        "add" => insert(heap, document, &target, attribute(operation, "value")?),
        "remove" => delete(heap, document, &target),
        "replace" => {
            let without = delete(heap, document, &target)?;
            insert(heap, without, &target, attribute(operation, "value")?)
        }
        "move" => {
            let from = path(heap, attribute(operation, "from")?)?;
            let part = find(document, &from)?;
            insert(heap, delete(heap, document, &from)?, &target, part)
        }
        "copy" => {
            let from = path(heap, attribute(operation, "from")?)?;
            insert(heap, document, &target, find(document, &from)?)
        }
        "test" => {
            let found = find(document, &target)?;
            let expected = attribute(operation, "value")?;
            if found != expected {
                return failed(format!(
                    "value from EditTree != patch value.\n\nExpected: {}\n\nFound: {}",
                    rego(expected),
                    rego(found)
                ));
            }
            Ok(document)
        }
        other => failed(format!("unrecognized op: '{other}'")),
    }
}

/// The position in an array that a path segment names.
fn index(length: usize, key: Value<'_>) -> Result<i64, BuiltinError> {
    let position = match key.view() {
        View::Number(_) => key.as_int().ok_or("invalid number type for indexing"),
        View::String("-") => Ok(i64::try_from(length).unwrap_or(i64::MAX)),
        View::String(text) if text.len() > 1 && text.starts_with('0') => {
            Err("leading zeros are not allowed in JSON paths")
        }
        View::String(text) => text.parse().map_err(|_| "invalid string for indexing"),
        _ => Err("invalid type for indexing"),
    };
    position.or_else(failed)
}

fn go_type(value: Value<'_>) -> &'static str {
    match value.view() {
        View::Null => "ast.Null",
        View::Bool(_) => "ast.Boolean",
        View::Number(_) => "ast.Number",
        _ => "ast.String",
    }
}

fn child<'q>(value: Value<'q>, key: Value<'q>) -> Answer<'q> {
    let (found, kind, shown) = match value.view() {
        View::Object(object) => (object.get(key), "object", key),
        View::Set(_) => (value.get(key), "set", key),
        View::Array(array) => {
            let position = index(array.as_slice().len(), key)?;
            (value.get(Value::int(position)), "array", Value::int(position))
        }
        _ => {
            return failed(format!(
                "expected composite type for path {}, found value: {} (type: {})",
                rego(key),
                rego(value),
                go_type(value)
            ));
        }
    };
    if found.is_undefined() {
        return failed(format!("path {} does not exist in {kind} term {}", rego(shown), rego(value)));
    }
    Ok(found)
}

fn find<'q>(value: Value<'q>, path: &[Value<'q>]) -> Answer<'q> {
    path.iter().try_fold(value, |at, key| child(at, *key))
}

/// The collection with another value in place of one of its children.
fn with_child<'q>(heap: Heap<'q>, value: Value<'q>, key: Value<'q>, new: Value<'q>) -> Answer<'q> {
    match value.view() {
        View::Object(object) => {
            let mut entries: Vec<_> = object.iter().collect();
            entries.push((key, new));
            Ok(heap.object(&mut entries))
        }
        View::Set(set) => {
            let mut kept: Vec<_> = set.as_slice().iter().copied().filter(|e| *e != key).collect();
            kept.push(new);
            Ok(heap.set(&mut kept))
        }
        View::Array(array) => {
            let mut all = array.as_slice().to_vec();
            let position = usize::try_from(index(all.len(), key)?).unwrap_or(usize::MAX);
            if let Some(slot) = all.get_mut(position) {
                *slot = new;
            }
            Ok(heap.array(&all))
        }
        _ => Ok(value),
    }
}

fn insert<'q>(heap: Heap<'q>, value: Value<'q>, path: &[Value<'q>], new: Value<'q>) -> Answer<'q> {
    match path {
        [] => Ok(new),
        [key] => insert_here(heap, value, *key, new),
        [key, rest @ ..] => {
            let changed = insert(heap, child(value, *key)?, rest, new)?;
            with_child(heap, value, *key, changed)
        }
    }
}

fn insert_here<'q>(heap: Heap<'q>, value: Value<'q>, key: Value<'q>, new: Value<'q>) -> Answer<'q> {
    match value.view() {
        View::Object(_) => with_child(heap, value, key, new),
        View::Set(_) if key != new => {
            failed(format!("set key {} does not equal value to be inserted {}", rego(key), rego(new)))
        }
        View::Set(_) => with_child(heap, value, key, new),
        View::Array(array) => {
            let mut all = array.as_slice().to_vec();
            match usize::try_from(index(all.len(), key)?) {
                Ok(position) if position <= all.len() => all.insert(position, new),
                _ => return failed("index for array insertion out of bounds"),
            }
            Ok(heap.array(&all))
        }
        _ => failed(format!(
            "expected composite type, found value: {} (type: {})",
            rego(value),
            go_type(value)
        )),
    }
}

fn delete<'q>(heap: Heap<'q>, value: Value<'q>, path: &[Value<'q>]) -> Answer<'q> {
    match path {
        [] => Ok(Value::UNDEFINED),
        [key] => delete_here(heap, value, *key),
        [key, rest @ ..] => {
            let changed = delete(heap, child(value, *key)?, rest)?;
            with_child(heap, value, *key, changed)
        }
    }
}

fn delete_here<'q>(heap: Heap<'q>, value: Value<'q>, key: Value<'q>) -> Answer<'q> {
    match value.view() {
        View::Object(_) | View::Set(_) if value.get(key).is_undefined() => {
            failed(format!("cannot delete child key {} that does not exist", rego(key)))
        }
        View::Object(object) => {
            let mut kept: Vec<_> = object.iter().filter(|(k, _)| *k != key).collect();
            Ok(heap.object(&mut kept))
        }
        View::Set(set) => {
            let mut kept: Vec<_> = set.as_slice().iter().copied().filter(|e| *e != key).collect();
            Ok(heap.set(&mut kept))
        }
        View::Array(array) => {
            let mut all = array.as_slice().to_vec();
            match usize::try_from(index(all.len(), key)?) {
                Ok(position) if position < all.len() => drop(all.remove(position)),
                _ => return failed("index for array delete out of bounds"),
            }
            Ok(heap.array(&all))
        }
        _ => failed(format!(
            "expected composite type, found value: {} (type: {})",
            rego(value),
            go_type(value)
        )),
    }
}

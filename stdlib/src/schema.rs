//! JSON Schema, drafts 4 to 7, with the faults that OPA reports.
//!
//! The one surprising fact: references lead only within the schema itself; a schema that points
//! elsewhere is refused, since nothing here reads files or the network.

mod check;
mod format;
mod validate;

use crate::encoding::unmarshal;
use crate::operand::{arg, failed};
use crate::{Answer, Builtin, BuiltinError, Context};
use govc_value::{Heap, Value, View};
use validate::{Outcome, Validator};

pub(crate) const TABLE: &[Builtin] = &[
    Builtin::new(
        "json.match_schema",
        &[("document", "any<string, object[any: any]>"), ("schema", "any<string, object[any: any]>")],
        Some("array<boolean, array[object<desc: string, error: string, field: string, type: string>]>"),
        "Tells whether a document conforms to a JSON schema, with the faults.",
    )
    .calls(json_match_schema),
    Builtin::new(
        "json.verify_schema",
        &[("schema", "any<string, object[any: any]>")],
        Some("array<boolean, any<null, string>>"),
        "Tells whether a document is a JSON schema.",
    )
    .calls(json_verify_schema),
];

/// A document or schema, given as a value or as JSON text.
fn document<'q>(heap: Heap<'q>, value: Value<'q>) -> Answer<'q> {
    match value.view() {
        View::String(text) => {
            unmarshal(heap, text).map_err(|_| BuiltinError::Failed("invalid JSON string".to_owned()))
        }
        View::Object(_) | View::Array(_) => Ok(value),
        _ => failed("wrong type, expected string or object"),
    }
}

/// What a reference within the schema points to.
fn referred<'q>(root: Value<'q>, reference: &str) -> Option<Value<'q>> {
    let pointer = reference.strip_prefix('#')?;
    if pointer.is_empty() {
        return Some(root);
    }
    let bytes = crate::go::url::unescape(pointer.strip_prefix('/')?, crate::go::url::Part::Fragment).ok()?;
    let pointer = String::from_utf8(bytes).ok()?;
    pointer.split('/').try_fold(root, |at, part| {
        let name = part.replace("~1", "/").replace("~0", "~");
        let found = match at.view() {
            View::Object(object) => object.get_str(&name),
            View::Array(_) => at.get(Value::int(name.parse().ok()?)),
            _ => Value::UNDEFINED,
        };
        (!found.is_undefined()).then_some(found)
    })
}

fn json_verify_schema<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let heap = context.heap;
    let fault = document(heap, arg(args, 0)).and_then(|schema| check::check(context.cache, schema, schema));
    match fault {
        Ok(()) => Ok(heap.array(&[Value::bool(true), Value::null()])),
        Err(BuiltinError::Failed(text)) => {
            Ok(heap.array(&[Value::bool(false), heap.string(&format!("jsonschema: {text}"))]))
        }
        Err(other) => Err(other),
    }
}

fn json_match_schema<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let heap = context.heap;
    let document = document(heap, arg(args, 0))?;
    let schema = self::document(heap, arg(args, 1))?;
    check::check(context.cache, schema, schema)?;
    let mut outcome = Outcome::default();
    let mut validator = Validator { cache: context.cache, root: schema, depth: 0 };
    validator.validate(schema, document, "(Root)", &mut outcome)?;
    let faults: Vec<_> = outcome
        .faults
        .iter()
        .map(|fault| {
            let entry = |name: &str, text: &str| (heap.string(name), heap.string(text));
            heap.object(&mut vec![
                entry("error", &format!("{}: {}", fault.field, fault.description)),
                entry("type", fault.kind),
                entry("field", &fault.field),
                entry("desc", &fault.description),
            ])
        })
        .collect();
    Ok(heap.array(&[Value::bool(faults.is_empty()), heap.array(&faults)]))
}

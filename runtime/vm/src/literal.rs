//! From literals of a program to values.

use crate::LoadError;
use govc_bytecode::Literal;
use govc_value::{FrozenBuilder, Heap, Value};

/// Gives every string of a literal a symbol.
pub(crate) fn intern(strings: &mut FrozenBuilder, literal: &Literal) {
    match literal {
        Literal::String(text) => strings.intern(text),
        Literal::Array(items) | Literal::Set(items) => items.iter().for_each(|i| intern(strings, i)),
        Literal::Object(entries) => entries.iter().for_each(|(k, v)| {
            intern(strings, k);
            intern(strings, v);
        }),
        _ => {}
    }
}

/// The value of a literal. Literals of a verified program are nested at most 256 deep.
pub(crate) fn value<'q>(heap: Heap<'q>, literal: &Literal) -> Result<Value<'q>, LoadError> {
    Ok(match literal {
        Literal::Null => Value::null(),
        Literal::Bool(b) => Value::bool(*b),
        Literal::Number(text) => heap.number(text).map_err(|_| LoadError::Number { text: text.clone() })?,
        Literal::String(text) => heap.string(text),
        Literal::Array(items) => heap.array(&values(heap, items)?),
        Literal::Set(items) => heap.set(&mut values(heap, items)?),
        Literal::Object(entries) => {
            let entry = |(k, v): &(Literal, Literal)| Ok((value(heap, k)?, value(heap, v)?));
            heap.object(&mut entries.iter().map(entry).collect::<Result<Vec<_>, LoadError>>()?)
        }
    })
}

fn values<'q>(heap: Heap<'q>, items: &[Literal]) -> Result<Vec<Value<'q>>, LoadError> {
    items.iter().map(|i| value(heap, i)).collect()
}

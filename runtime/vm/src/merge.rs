//! Objects put together, and documents with another value at a path. Depth is that of the values.

use govc_value::{Heap, Value};

/// Merges recursively; `a` wins where both have a key and not both values are objects. An undefined side
/// gives the other.
pub(crate) fn merge<'q>(heap: Heap<'q>, a: Value<'q>, b: Value<'q>) -> Value<'q> {
    let (Some(left), Some(right)) = (a.as_object(), b.as_object()) else {
        return if a.is_undefined() { b } else { a };
    };
    let mut entries = Vec::with_capacity(left.len() + right.len());
    entries.extend(left.iter().map(|(k, v)| (k, merge(heap, v, right.get(k)))));
    entries.extend(right.iter().filter(|&(k, _)| left.get(k).is_undefined()));
    heap.object(&mut entries)
}

/// A copy of a document with a value at a path. What is no object on the way becomes one.
pub(crate) fn upsert<'q>(
    heap: Heap<'q>,
    document: Value<'q>,
    path: &[Value<'q>],
    value: Value<'q>,
) -> Value<'q> {
    let Some((&key, rest)) = path.split_first() else { return value };
    let inner = upsert(heap, document.get(key), rest, value);
    let mut entries: Vec<_> = document.as_object().into_iter().flat_map(|o| o.iter()).collect();
    entries.push((key, inner));
    heap.object(&mut entries)
}

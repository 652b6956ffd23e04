//! Several texts replaced in one pass, as Go's `strings.Replacer`.
//!
//! The one surprising fact: where several texts match at a place the first in order wins, not the
//! longest; and an empty text matches between all bytes, in the middle of characters too.

use govc_value::bytes::bytes_of;

/// The bytes of the text with each `old` replaced by its `new`.
pub(super) fn all(text: &str, pairs: &[(&str, &str)]) -> Vec<u8> {
    let text = bytes_of(text);
    let pairs: Vec<_> = pairs.iter().map(|(old, new)| (bytes_of(old), bytes_of(new))).collect();
    let mut out = Vec::with_capacity(text.len());
    let mut rest = &*text;
    let mut after_empty = false;
    loop {
        let found = pairs.iter().find(|(old, _)| rest.starts_with(old) && !(old.is_empty() && after_empty));
        if let Some((old, new)) = found {
            out.extend_from_slice(new);
            rest = rest.get(old.len()..).unwrap_or_default();
            after_empty = old.is_empty();
            if !after_empty || !rest.is_empty() {
                continue;
            }
        }
        let Some((next, after)) = rest.split_first() else { return out };
        after_empty = false;
        out.push(*next);
        rest = after;
    }
}

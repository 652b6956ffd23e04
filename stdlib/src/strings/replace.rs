//! Several texts replaced in one pass, as Go's `strings.Replacer`.
//!
//! The one surprising fact: where several texts match at a place the first in order wins, not the
//! longest; and an empty text matches between all characters.

/// The text with each `old` replaced by its `new`.
pub(super) fn all(text: &str, pairs: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut after_empty = false;
    loop {
        let found = pairs.iter().find(|(old, _)| rest.starts_with(old) && !(old.is_empty() && after_empty));
        if let Some((old, new)) = found {
            out.push_str(new);
            rest = rest.get(old.len()..).unwrap_or_default();
            after_empty = old.is_empty();
            if !after_empty || !rest.is_empty() {
                continue;
            }
        }
        let Some(next) = rest.chars().next() else { return out };
        after_empty = false;
        out.push(next);
        rest = rest.get(next.len_utf8()..).unwrap_or_default();
    }
}

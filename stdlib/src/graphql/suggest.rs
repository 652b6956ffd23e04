//! Names like one that is not known.

/// Names within the distance that OPA's library takes for a slip, the nearest first.
pub(super) fn similar<'a>(given: &str, known: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let threshold = given.len() * 2 / 5 + 1;
    let mut found: Vec<_> = known.map(|name| (distance(given, name), name)).collect();
    found.retain(|(distance, _)| *distance <= threshold);
    found.sort_by_key(|(distance, _)| *distance);
    found.into_iter().map(|(_, name)| name).collect()
}

/// Edits that make one text of the other; a change of case is one.
fn distance(a: &str, b: &str) -> usize {
    if a == b {
        return 0;
    }
    let (a, b) = (a.to_lowercase(), b.to_lowercase());
    if a == b { 1 } else { levenshtein(&a, &b) }
}

fn levenshtein(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (above, from) in a.chars().enumerate() {
        let (mut diagonal, mut left) = (above, above + 1);
        for (cell, to) in row.iter_mut().skip(1).zip(b.chars()) {
            let best = (*cell + 1).min(left + 1).min(diagonal + usize::from(from != to));
            diagonal = *cell;
            *cell = best;
            left = best;
        }
        if let Some(first) = row.first_mut() {
            *first = above + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

/// `"a", "b", or "c"`; five at most.
pub(super) fn quoted_or_list(names: &[&str]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("\"{name}\"")).collect();
    or_list(&quoted)
}

/// `a, b, or c`; five at most.
pub(super) fn or_list<T: AsRef<str>>(names: &[T]) -> String {
    let names: Vec<_> = names.iter().take(5).map(AsRef::as_ref).collect();
    match names.as_slice() {
        [a, b] => format!("{a} or {b}"),
        [first @ .., last] if !first.is_empty() => format!("{}, or {last}", first.join(", ")),
        few => few.concat(),
    }
}

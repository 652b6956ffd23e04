//! The order in which OPA keeps the elements of sets and the keys of objects.
//!
//! It is that of the terms, not of their values: `{a, 1}` holds the number first, whatever `a` is. Who goes through
//! such a set where it stands meets its elements so, and variables that rewrites make are numbered so.

use crate::hir::Const;
use crate::lower::names::Names;
use crate::lower::print;
use crate::lower::tree::*;

/// A place in the order: the kind, the number, the text.
type Rank = (u8, i64, String);

/// Scalars by value, then variables and references by name; all else keeps its order.
pub(crate) fn rank(names: &Names, term: &Term) -> Rank {
    let kind = |kind| (kind, 0, String::new());
    match &term.kind {
        TermKind::Const(Const::Null) => kind(0),
        TermKind::Const(Const::Bool(b)) => (1, i64::from(*b), String::new()),
        TermKind::Const(Const::Number(text)) => (2, order_of(text), String::new()),
        TermKind::Const(Const::String(text)) => (3, 0, text.clone()),
        TermKind::Var(name) => (4, 0, names.raw(*name).to_owned()),
        TermKind::Ref(_) => (5, 0, print::term(names, term)),
        TermKind::Array(_) => kind(6),
        TermKind::Object(_) => kind(7),
        TermKind::Set(_) => kind(8),
        _ => kind(9),
    }
}

/// Puts the elements of a set in order; a reference that stands there twice is one element.
pub(crate) fn sort_elements(names: &Names, items: &mut Vec<Term>) {
    if items.iter().all(is_scalar) {
        return;
    }
    items.sort_by_cached_key(|item| rank(names, item));
    items.dedup_by(|b, a| is_known(a) && is_known(b) && rank(names, a) == rank(names, b));
}

/// Puts the keys of an object in order, where the order may be seen: what values call is called in it.
pub(crate) fn sort_keys(names: &Names, pairs: &mut [(Term, Term)]) {
    if !pairs.iter().all(|(key, value)| is_scalar(key) && is_scalar(value)) {
        pairs.sort_by_cached_key(|(key, _)| rank(names, key));
    }
}

fn is_scalar(term: &Term) -> bool {
    matches!(term.kind, TermKind::Const(_))
}

/// A reference that nothing but its text tells from others.
fn is_known(term: &Term) -> bool {
    let steps = term.as_ref_parts().and_then(|parts| parts.get(1..));
    steps.is_some_and(|steps| steps.iter().all(is_scalar))
}

/// An integer that is greater where the number is: the bits of a float in the order of floats.
fn order_of(number: &str) -> i64 {
    let bits = (number.parse::<f64>().unwrap_or_default() + 0.0).to_bits() as i64;
    if bits < 0 { i64::MIN - bits } else { bits }
}

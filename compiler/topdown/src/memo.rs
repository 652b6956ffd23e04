//! What virtual documents have turned out to be, by reference.

use crate::term::Term;
use std::collections::BTreeMap;

/// A reference, or the call of a function; after it, steps that narrow what was evaluated, where unbound
/// variables stand as absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key<'q> {
    pub(crate) parts: Vec<Term<'q>>,
    pub(crate) scope: Vec<Option<Term<'q>>>,
}

/// Values by key; an absent one is undefined.
#[derive(Debug, Default)]
pub(crate) struct Memo<'q> {
    entries: BTreeMap<Key<'q>, Option<Term<'q>>>,
}

impl<'q> Key<'q> {
    pub(crate) fn plain(parts: &[Term<'q>]) -> Self {
        Self { parts: parts.to_vec(), scope: Vec::new() }
    }
}

impl<'q> Memo<'q> {
    pub(crate) fn get(&self, key: &Key<'q>) -> Option<Option<Term<'q>>> {
        self.entries.get(key).cloned()
    }

    pub(crate) fn put(&mut self, key: Key<'q>, value: Option<Term<'q>>) {
        self.entries.insert(key, value);
    }
}

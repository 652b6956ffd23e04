//! What is kept between calls: compiled patterns and schemas, a bounded number of each.
//!
//! The one surprising fact: when a family is full, all of it is forgotten; a policy that uses more
//! than a thousand patterns per query pays for it, and no bookkeeping slows those that do not.

use std::collections::HashMap;
use std::sync::Arc;

/// Entries of one family.
const CAPACITY: usize = 1_000;

/// Compiled patterns and the like, kept between calls. Bounded.
#[derive(Default)]
pub struct Cache {
    pub(crate) regexes: Store<::regex::Regex>,
    pub(crate) globs: Store<crate::glob::Glob>,
    pub(crate) zones: Store<crate::time::Zone>,
    /// Room for a text that is being made.
    pub(crate) text: String,
}

/// A bounded map from the text of a pattern to what it compiles to.
pub(crate) struct Store<T> {
    entries: HashMap<String, Arc<T>>,
}

impl<T> Default for Store<T> {
    fn default() -> Self {
        Self { entries: HashMap::new() }
    }
}

impl<T> Store<T> {
    /// The entry of a key, made when it is not there.
    ///
    /// # Errors
    /// Those of `make`; they are not kept.
    pub(crate) fn get<E>(&mut self, key: &str, make: impl FnOnce() -> Result<T, E>) -> Result<Arc<T>, E> {
        if let Some(found) = self.entries.get(key) {
            return Ok(Arc::clone(found));
        }
        let made = Arc::new(make()?);
        if self.entries.len() >= CAPACITY {
            self.entries.clear();
        }
        self.entries.insert(key.to_owned(), Arc::clone(&made));
        Ok(made)
    }
}

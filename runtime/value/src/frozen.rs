//! Frozen images: values that live as long as the program and are shared by all threads.
//!
//! The surprising fact: a [`Frozen`] owns what its own values point to. That works because nothing in it
//! moves or changes after `build`: texts and values sit in heap blocks that stay where they are when the
//! `Frozen` itself moves.

#![expect(
    unsafe_code,
    reason = "an image refers to itself; its values are lent out with the image's lifetime"
)]

use crate::{Arena, Heap, SymbolTable, Value};
use std::collections::HashSet;
use std::sync::Arc;

/// Collects the strings of an image before its values are made.
#[derive(Debug, Default)]
pub struct FrozenBuilder {
    strings: HashSet<Box<str>, rustc_hash::FxBuildHasher>,
}

impl FrozenBuilder {
    /// No strings yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives a string a symbol.
    pub fn intern(&mut self, text: &str) {
        if !self.strings.contains(text) {
            self.strings.insert(text.into());
        }
    }

    /// Gives every string inside a value a symbol.
    pub fn intern_value(&mut self, value: Value<'_>) {
        if let Some(text) = value.as_str() {
            return self.intern(text);
        }
        for (key, element) in value.entries() {
            self.intern_value(key);
            self.intern_value(element);
        }
    }

    /// Freezes the symbol table and makes the roots of the image.
    ///
    /// # Errors
    /// Those of `make`.
    pub fn build<E>(
        self,
        make: impl for<'q> FnOnce(Heap<'q>) -> Result<Vec<Value<'q>>, E>,
    ) -> Result<Frozen, E> {
        let symbols = Arc::new(SymbolTable::new(self.strings.into_iter().collect()));
        let arena = Arena::new(usize::MAX);
        let roots = make(Heap::new(&arena, &symbols))?
            .into_iter()
            // SAFETY: `make` works for every 'q, so its values point into `arena`, `symbols` or statics.
            // All three outlive the result: the first two move into the same `Frozen`, which never
            // changes them, keeps their heap blocks in place, and lends values only for its own lifetime.
            .map(|value| unsafe { std::mem::transmute::<Value<'_>, Value<'static>>(value) })
            .collect();
        Ok(Frozen { roots, symbols, arena, below: None })
    }
}

/// A symbol table and values that never change again. `Send + Sync`.
#[derive(Debug)]
pub struct Frozen {
    /// Dropped first; really live as long as the fields below.
    roots: Vec<Value<'static>>,
    symbols: Arc<SymbolTable>,
    arena: Arena,
    /// The image that this one was made over.
    below: Option<Arc<Frozen>>,
}

// SAFETY: the arena is the only field that is not `Sync`; it is never allocated from after `build`, and
// the only method that reads it, `used`, reads a counter that no longer changes.
unsafe impl Sync for Frozen {}
const fn is_send_sync<T: Send + Sync>() {}
const _: () = is_send_sync::<Frozen>();
const _: () = is_send_sync::<Value<'_>>();

impl Frozen {
    /// An image without strings and values.
    pub fn empty() -> Self {
        Frozen { roots: Vec::new(), symbols: Arc::default(), arena: Arena::new(0), below: None }
    }

    /// An image over another: it has the other's symbols and no more, and its values may hold those of the
    /// other, which lives as long as it does. So many images share one large document.
    ///
    /// ```
    /// use govc_value::{Frozen, FrozenBuilder, Value};
    /// use std::sync::Arc;
    ///
    /// # use std::fmt::Error;
    /// # fn main() -> Result<(), Error> {
    /// let base = FrozenBuilder::new().build(|heap| Ok::<_, Error>(vec![heap.array(&[Value::int(1)])]))?;
    /// let base = Arc::new(base);
    /// let over = Frozen::over(&base, |heap, roots| Ok::<_, Error>(vec![heap.array(roots)]))?;
    /// drop(base);
    /// assert_eq!(over.root(0).as_array().map(|a| a.at(0).len()), Some(1));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of `make`, which is given the roots of the image below.
    pub fn over<E>(
        below: &Arc<Frozen>,
        make: impl for<'q> FnOnce(Heap<'q>, &'q [Value<'q>]) -> Result<Vec<Value<'q>>, E>,
    ) -> Result<Frozen, E> {
        let (symbols, below) = (Arc::clone(&below.symbols), Arc::clone(below));
        let arena = Arena::new(usize::MAX);
        let roots = make(Heap::new(&arena, &symbols), below.roots())?
            .into_iter()
            // SAFETY: `make` works for every 'q, so its values point into `arena`, `symbols`, `below` or
            // statics. All of them outlive the result: the `Frozen` owns the first and shares the others,
            // none of them changes, and their heap blocks stay in place.
            .map(|value| unsafe { std::mem::transmute::<Value<'_>, Value<'static>>(value) })
            .collect();
        Ok(Frozen { roots, symbols, arena, below: Some(below) })
    }

    /// The image that this one was made over.
    pub fn below(&self) -> Option<&Arc<Frozen>> {
        self.below.as_ref()
    }

    /// The symbol table.
    pub fn symbols(&self) -> &SymbolTable {
        &self.symbols
    }

    /// A root, by position in what `make` returned; undefined beyond.
    pub fn root(&self, index: usize) -> Value<'_> {
        self.roots.get(index).copied().unwrap_or(Value::UNDEFINED)
    }

    /// All roots.
    pub fn roots(&self) -> &[Value<'_>] {
        &self.roots
    }

    /// Bytes of its values, without the texts of the symbol table.
    pub fn used(&self) -> usize {
        self.arena.used()
    }
}

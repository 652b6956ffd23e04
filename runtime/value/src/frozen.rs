//! Frozen images: values that live as long as the program and are shared by all threads.

use crate::{Heap, SymbolTable, Value};

/// Collects the strings of an image before its values are made.
#[derive(Default)]
pub struct FrozenBuilder {}

impl FrozenBuilder {
    /// Gives a string a symbol.
    pub fn intern(&mut self, _text: &str) {
        todo!()
    }
    /// Freezes the symbol table and makes the roots of the image.
    ///
    /// # Errors
    /// Those of `make`.
    pub fn build<E>(
        self,
        _make: impl for<'q> FnOnce(Heap<'q>) -> Result<Vec<Value<'q>>, E>,
    ) -> Result<Frozen, E> {
        todo!()
    }
}

/// A symbol table and values that never change again. `Send + Sync`.
pub struct Frozen {}

impl Frozen {
    /// The symbol table.
    pub fn symbols(&self) -> &SymbolTable {
        todo!()
    }
    /// A root, by position in what `make` returned.
    pub fn root(&self, _index: usize) -> Value<'_> {
        todo!()
    }
}

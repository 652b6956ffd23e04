//! Memory of one query: a bump arena, and the one place where strings are made.

use crate::{NumberError, SymbolTable, Value};

/// Memory that values of one query live in. Reset it to use it again; nothing is freed one by one.
#[derive(Debug)]
pub struct Arena {}

impl Arena {
    /// An empty arena that reports exhaustion beyond `limit` bytes.
    pub fn new(_limit: usize) -> Self {
        todo!()
    }
    /// Forgets all values and keeps the memory.
    pub fn reset(&mut self) {
        todo!()
    }
    /// Bytes in use.
    pub fn used(&self) -> usize {
        todo!()
    }
}

/// Where values are made: an arena and the symbol table that its strings are looked up in. `Copy`.
#[derive(Clone, Copy)]
pub struct Heap<'q> {
    arena: &'q Arena,
    symbols: &'q SymbolTable,
}

impl<'q> Heap<'q> {
    /// A view of an arena.
    pub fn new(arena: &'q Arena, symbols: &'q SymbolTable) -> Self {
        Self { arena, symbols }
    }
    /// The symbol table.
    pub fn symbols(self) -> &'q SymbolTable {
        self.symbols
    }
    /// More is in use than the limit allows: the query must end with a typed error.
    pub fn exhausted(self) -> bool {
        let _ = self.arena;
        todo!()
    }
    /// A string.
    pub fn string(self, _text: &str) -> Value<'q> {
        todo!()
    }
    /// A string of bytes that need not be UTF-8? No: Go's invalid sequences become U+FFFD before they get here.
    pub fn string_lossy(self, _bytes: &[u8]) -> Value<'q> {
        todo!()
    }
    /// A number from its JSON text.
    ///
    /// # Errors
    /// When the text is no JSON number or its exponent is beyond OPA's range.
    pub fn number(self, _text: &str) -> Result<Value<'q>, NumberError> {
        todo!()
    }
    /// A number from a finite float; integers become integers. Infinite and NaN give undefined.
    pub fn float(self, _f: f64) -> Value<'q> {
        todo!()
    }
    /// A number from a big integer.
    pub fn bigint(self, _i: &num_bigint::BigInt) -> Value<'q> {
        todo!()
    }
    /// An array.
    pub fn array(self, _elements: &[Value<'q>]) -> Value<'q> {
        todo!()
    }
    /// An object; sorts, and of equal keys the last wins.
    pub fn object(self, _entries: &mut Vec<(Value<'q>, Value<'q>)>) -> Value<'q> {
        todo!()
    }
    /// A set; sorts and removes duplicates.
    pub fn set(self, _elements: &mut Vec<Value<'q>>) -> Value<'q> {
        todo!()
    }
    /// A deep copy of a value of another arena or symbol table.
    pub fn copy(self, _value: Value<'_>) -> Value<'q> {
        todo!()
    }
}

//! Memory of one query: a bump arena, and the one place where strings are made.
//!
//! The surprising fact: when the limit is reached, makers of values give undefined and raise a flag.
//! Whoever runs a query must look at [`Heap::exhausted`] before it trusts an answer.

#![expect(unsafe_code, reason = "fills memory of the bump allocator before it is shared")]

use crate::collection::{self, Pair};
use crate::number;
use crate::{NumberError, SymbolTable, Value, View};
use bumpalo::Bump;
use std::alloc::Layout;
use std::cell::Cell;
use std::ptr::NonNull;

/// Memory that values of one query live in. Reset it to use it again; nothing is freed one by one.
#[derive(Debug)]
pub struct Arena {
    bump: Bump,
    limit: usize,
    used: Cell<usize>,
    exhausted: Cell<bool>,
}

impl Arena {
    /// An empty arena that reports exhaustion beyond `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self { bump: Bump::new(), limit, used: Cell::new(0), exhausted: Cell::new(false) }
    }

    /// Forgets all values and keeps the memory.
    pub fn reset(&mut self) {
        self.bump.reset();
        self.used.set(0);
        self.exhausted.set(false);
    }

    /// Changes the limit in bytes, for the next query.
    pub fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// The limit in bytes.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Bytes in use.
    pub fn used(&self) -> usize {
        self.used.get()
    }

    /// Was a request refused since the last reset?
    #[inline]
    pub fn exhausted(&self) -> bool {
        self.exhausted.get()
    }

    /// Raises the flag: what was asked for is beyond any limit.
    pub(crate) fn refuse(&self) {
        self.exhausted.set(true);
    }

    /// Uninitialised memory, or nothing (and the flag) when the limit is reached.
    #[inline]
    pub(crate) fn allocate(&self, layout: Layout) -> Option<NonNull<u8>> {
        let used = self.used.get().saturating_add(layout.size());
        if used > self.limit {
            self.exhausted.set(true);
            return None;
        }
        self.used.set(used);
        self.bump.try_alloc_layout(layout).inspect_err(|_| self.exhausted.set(true)).ok()
    }

    /// A copy of bytes, if they are fewer than 2^32 and fit the limit.
    #[inline]
    fn copy_text(&self, text: &str) -> Option<&str> {
        self.copy_parts(text.len(), std::iter::once(text))
    }

    /// The texts one after another; `len` is the sum of their lengths.
    fn copy_parts<'t>(&self, len: usize, parts: impl Iterator<Item = &'t str>) -> Option<&str> {
        let room = self.allocate(Layout::array::<u8>(self.fits(len)?).ok()?)?;
        let mut at = 0;
        for part in parts {
            assert!(part.len() <= len - at, "the parts are as long as announced");
            // SAFETY: `room` has `len` bytes, the assertion keeps the copy inside, and fresh memory
            // cannot overlap `part`.
            unsafe { room.as_ptr().add(at).copy_from_nonoverlapping(part.as_ptr(), part.len()) };
            at += part.len();
        }
        // SAFETY: the first `at` bytes were just written with whole UTF-8 texts, and nobody else knows them.
        Some(unsafe { std::str::from_utf8_unchecked(std::slice::from_raw_parts(room.as_ptr(), at)) })
    }

    /// A copy of values.
    #[inline]
    fn copy_values<'a>(&'a self, values: &[Value<'a>]) -> Option<&'a [Value<'a>]> {
        let len = self.fits(values.len())?;
        let room = self.allocate(Layout::array::<Value<'_>>(len).ok()?)?.cast::<Value<'a>>();
        // SAFETY: `room` is fresh, aligned and large enough for `len` values, and they are `Copy`.
        unsafe {
            room.as_ptr().copy_from_nonoverlapping(values.as_ptr(), len);
            Some(std::slice::from_raw_parts(room.as_ptr(), len))
        }
    }

    /// Values keep lengths in 32 bits.
    #[inline]
    pub(crate) fn fits(&self, len: usize) -> Option<usize> {
        if u32::try_from(len).is_err() {
            self.exhausted.set(true);
            return None;
        }
        Some(len)
    }
}

/// Where values are made: an arena and the symbol table that its strings are looked up in. `Copy`.
#[derive(Clone, Copy)]
pub struct Heap<'q> {
    arena: &'q Arena,
    symbols: &'q SymbolTable,
}

impl std::fmt::Debug for Heap<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Heap").field("used", &self.arena.used()).finish_non_exhaustive()
    }
}

impl<'q> Heap<'q> {
    /// A view of an arena.
    pub fn new(arena: &'q Arena, symbols: &'q SymbolTable) -> Self {
        Self { arena, symbols }
    }

    /// The symbol table.
    #[inline]
    pub fn symbols(self) -> &'q SymbolTable {
        self.symbols
    }

    /// The arena.
    #[inline]
    pub fn arena(self) -> &'q Arena {
        self.arena
    }

    /// More was asked for than the limit allows: the query must end with a typed error.
    #[inline]
    pub fn exhausted(self) -> bool {
        self.arena.exhausted()
    }

    /// A string. Strings of the symbol table are not copied.
    #[inline]
    pub fn string(self, text: &str) -> Value<'q> {
        if let Some((symbol, own)) = self.symbols.find(text) {
            return Value::raw_string(own, symbol.0);
        }
        match self.arena.copy_text(text) {
            Some(text) => Value::raw_string(text, 0),
            None => Value::UNDEFINED,
        }
    }

    /// The string of a symbol of this heap's table.
    #[inline]
    pub fn symbol(self, symbol: crate::Symbol) -> Value<'q> {
        Value::raw_string(self.symbols.text(symbol), symbol.0)
    }

    /// The texts one after another, as one string.
    pub fn concat(self, parts: &[&str]) -> Value<'q> {
        let len = parts.iter().fold(0usize, |sum, part| sum.saturating_add(part.len()));
        let Some(text) = self.arena.copy_parts(len, parts.iter().copied()) else {
            return Value::UNDEFINED;
        };
        match self.symbols.lookup(text) {
            Some(symbol) => self.symbol(symbol),
            None => Value::raw_string(text, 0),
        }
    }

    /// A string of bytes that need not be UTF-8; see [`crate::bytes`].
    pub fn string_of_bytes(self, bytes: &[u8]) -> Value<'q> {
        self.string(&crate::bytes::text_of(bytes))
    }

    /// A number from its JSON text.
    ///
    /// # Errors
    /// When the text is no JSON number or its exponent is beyond OPA's range.
    pub fn number(self, text: &str) -> Result<Value<'q>, NumberError> {
        Ok(match number::classify(text)? {
            number::Class::Int(i) => Value::int(i),
            number::Class::Float(f) => Value::raw_float(f),
            number::Class::Text => self.number_text(text),
        })
    }

    /// A number that must be kept as text, which the caller has classified.
    pub(crate) fn number_text(self, text: &str) -> Value<'q> {
        self.arena.copy_text(text).map_or(Value::UNDEFINED, Value::raw_number)
    }

    /// A number from a finite float; integers become integers. Infinite and NaN give undefined.
    pub fn float(self, f: f64) -> Value<'q> {
        if !f.is_finite() {
            return Value::UNDEFINED;
        }
        if f.fract() != 0.0 {
            return Value::raw_float(f);
        }
        // The bounds are exact powers of two: everything between converts without loss.
        if (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&f) {
            return Value::int(f as i64);
        }
        self.number_text(&format!("{f:.0}"))
    }

    /// A number from a big integer.
    pub fn bigint(self, i: &num_bigint::BigInt) -> Value<'q> {
        match i64::try_from(i) {
            Ok(i) => Value::int(i),
            Err(_) => self.number_text(&i.to_string()),
        }
    }

    /// A number of this or another heap.
    pub fn copy_number(self, number: crate::Number<'_>) -> Value<'q> {
        match number {
            crate::Number::Int(i) => Value::int(i),
            crate::Number::Float(f) => self.float(f),
            crate::Number::Text(text) => self.number_text(text),
        }
    }

    /// An array.
    #[inline]
    pub fn array(self, elements: &[Value<'q>]) -> Value<'q> {
        debug_assert!(elements.iter().all(|e| !e.is_undefined()) || self.exhausted());
        self.arena.copy_values(elements).map_or(Value::UNDEFINED, Value::raw_array)
    }

    /// An array of the elements of an iterator.
    pub fn array_from_iter(self, elements: impl IntoIterator<Item = Value<'q>>) -> Value<'q> {
        let elements: Vec<_> = elements.into_iter().collect();
        self.array(&elements)
    }

    /// An object; sorts, and of equal keys the last wins.
    pub fn object(self, entries: &mut Vec<(Value<'q>, Value<'q>)>) -> Value<'q> {
        self.object_from_pairs(entries.as_mut_slice())
    }

    /// As [`Heap::object`], for any shape of pair. The slice is left in an unspecified order.
    #[inline]
    pub(crate) fn object_from_pairs<P: Pair<'q>>(self, entries: &mut [P]) -> Value<'q> {
        let len = collection::sort_pairs(entries);
        collection::build_object(self.arena, &entries[..len]).map_or(Value::UNDEFINED, Value::raw_object)
    }

    /// A set; sorts and removes duplicates.
    pub fn set(self, elements: &mut Vec<Value<'q>>) -> Value<'q> {
        collection::sort_elements(elements);
        collection::build_set(self.arena, elements).map_or(Value::UNDEFINED, Value::raw_set)
    }

    /// A deep copy of a value of another arena or symbol table.
    pub fn copy(self, value: Value<'_>) -> Value<'q> {
        match value.view() {
            View::Undefined => Value::UNDEFINED,
            View::Null => Value::NULL,
            View::Bool(b) => Value::bool(b),
            View::Number(number) => self.copy_number(number),
            View::String(text) => self.string(text),
            View::Array(array) => self.array_from_iter(array.iter().map(|e| self.copy(e))),
            View::Object(object) => {
                let mut entries: Vec<_> = object.iter().map(|(k, v)| (self.copy(k), self.copy(v))).collect();
                self.object(&mut entries)
            }
            View::Set(set) => {
                let mut elements: Vec<_> = set.iter().map(|e| self.copy(e)).collect();
                self.set(&mut elements)
            }
        }
    }
}

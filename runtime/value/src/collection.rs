//! Arrays, objects and sets. Objects and sets are kept sorted in OPA's order, which is their iteration order.

use crate::{Symbol, Value};

/// An array.
#[derive(Clone, Copy)]
pub struct Array<'a>(&'a [Value<'a>]);

/// An object, sorted by key.
#[derive(Clone, Copy)]
pub struct Object<'a>(std::marker::PhantomData<&'a ()>);

/// A set, sorted.
#[derive(Clone, Copy)]
pub struct Set<'a>(std::marker::PhantomData<&'a ()>);

impl<'a> Array<'a> {
    /// The elements.
    pub fn as_slice(self) -> &'a [Value<'a>] {
        self.0
    }
}

impl<'a> Object<'a> {
    /// Number of entries.
    pub fn len(self) -> usize {
        todo!()
    }
    /// The value of a key, or undefined.
    pub fn get(self, _key: Value<'_>) -> Value<'a> {
        todo!()
    }
    /// The value of a string key that is in the symbol table, or undefined.
    pub fn get_symbol(self, _key: Symbol) -> Value<'a> {
        todo!()
    }
    /// The value of a string key, or undefined.
    pub fn get_str(self, _key: &str) -> Value<'a> {
        todo!()
    }
    /// The keys in order.
    pub fn keys(self) -> &'a [Value<'a>] {
        todo!()
    }
    /// The values in the order of their keys.
    pub fn values(self) -> &'a [Value<'a>] {
        todo!()
    }
    /// Entries in order.
    pub fn iter(self) -> impl ExactSizeIterator<Item = (Value<'a>, Value<'a>)> {
        self.keys().iter().copied().zip(self.values().iter().copied())
    }
}

impl<'a> Set<'a> {
    /// The elements in order.
    pub fn as_slice(self) -> &'a [Value<'a>] {
        todo!()
    }
    /// Membership.
    pub fn contains(self, _element: Value<'_>) -> bool {
        todo!()
    }
}

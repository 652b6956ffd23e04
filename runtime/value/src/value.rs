//! The 16-byte value.

use crate::{Array, Number, Object, Set, Symbol};
use std::marker::PhantomData;

/// An immutable Rego value, or undefined. 16 bytes, `Copy`, owns nothing.
///
/// Equality, order and hash are OPA's: `1 == 1.0`, and null < false < true < numbers < strings (by bytes)
/// < arrays < objects < sets. Undefined is below all and equal only to itself; collections never hold it.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Value<'a> {
    tag: u32,
    len: u32,
    bits: u64,
    life: PhantomData<&'a ()>,
}

/// The type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Kind {
    /// No value.
    Undefined,
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool,
    /// A number.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
    /// A set.
    Set,
}

/// A value opened for matching.
#[derive(Clone, Copy)]
pub enum View<'a> {
    /// No value.
    Undefined,
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Number<'a>),
    /// A string.
    String(&'a str),
    /// An array.
    Array(Array<'a>),
    /// An object.
    Object(Object<'a>),
    /// A set.
    Set(Set<'a>),
}

impl<'a> Value<'a> {
    /// No value.
    pub const UNDEFINED: Value<'static> = Value { tag: 0, len: 0, bits: 0, life: PhantomData };

    /// `null`.
    pub fn null() -> Value<'static> {
        todo!()
    }
    /// `true` or `false`.
    pub fn bool(_b: bool) -> Value<'static> {
        todo!()
    }
    /// An integer.
    pub fn int(_i: i64) -> Value<'static> {
        todo!()
    }
    /// The type.
    pub fn kind(self) -> Kind {
        todo!()
    }
    /// The value opened for matching.
    pub fn view(self) -> View<'a> {
        todo!()
    }
    /// No value?
    pub fn is_undefined(self) -> bool {
        todo!()
    }
    /// Neither undefined nor `false`.
    pub fn is_truthy(self) -> bool {
        todo!()
    }
    /// The Boolean, if it is one.
    pub fn as_bool(self) -> Option<bool> {
        todo!()
    }
    /// The integer, if it is one that fits (also `1.0` and `1e2`).
    pub fn as_int(self) -> Option<i64> {
        todo!()
    }
    /// The number, if it is one.
    pub fn as_number(self) -> Option<Number<'a>> {
        todo!()
    }
    /// The text, if it is a string.
    pub fn as_str(self) -> Option<&'a str> {
        todo!()
    }
    /// The symbol, if it is a string of the symbol table.
    pub fn symbol(self) -> Option<Symbol> {
        todo!()
    }
    /// The array, if it is one.
    pub fn as_array(self) -> Option<Array<'a>> {
        todo!()
    }
    /// The object, if it is one.
    pub fn as_object(self) -> Option<Object<'a>> {
        todo!()
    }
    /// The set, if it is one.
    pub fn as_set(self) -> Option<Set<'a>> {
        todo!()
    }
    /// One step of a reference: the value of an object's key, the element of an array at an integer,
    /// the element of a set that equals the key; undefined when absent or not a collection.
    pub fn get(self, _key: Value<'_>) -> Value<'a> {
        todo!()
    }
    /// Number of elements of a collection; 0 for everything else.
    pub fn len(self) -> usize {
        todo!()
    }
    /// The key and value at a position in iteration order (array: index, element; set: element twice).
    pub fn entry(self, _position: usize) -> Option<(Value<'a>, Value<'a>)> {
        todo!()
    }
}

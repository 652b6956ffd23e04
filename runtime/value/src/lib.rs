//! The data model of Rego: immutable 16-byte values that live in arenas.
//!
//! A [`Value`] is `Copy` and owns nothing. What it points to lives either in a [`Frozen`] image
//! (literals of a program, base documents; shared read-only by all threads) or in an [`Arena`]
//! (input, temporaries and results of one query; reset when the query ends).
//!
//! The one surprising fact: *a string that equals an entry of the symbol table always carries that
//! entry's symbol*. Equality relies on it, so every string is made by [`Heap::string`].

mod arena;
pub mod bytes;
mod collection;
mod compare;
mod frozen;
pub mod json;
pub mod layout;
mod number;
mod symbol;
pub mod text;
pub mod ty;
mod value;

pub use arena::{Arena, Heap};
pub use collection::{Array, Object, Set};
pub use frozen::{Frozen, FrozenBuilder};
pub use number::{ArithmeticError, Number, NumberError};
pub use symbol::{Symbol, SymbolTable};
pub use ty::Type;
pub use value::{Kind, Value, View, tag};

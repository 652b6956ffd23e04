//! Symbols: small numbers for the strings that a program and its data name.

/// An entry of a [`SymbolTable`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Symbol(pub(crate) u32);

/// The strings of a program and its data. Never changes after it is built.
#[derive(Debug, Default)]
pub struct SymbolTable {}

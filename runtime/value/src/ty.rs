//! The type lattice of Rego, as OPA's `types` package defines it.

/// A Rego type.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Type {
    /// `null`.
    Null,
    /// `boolean`.
    Boolean,
    /// `number`.
    Number,
    /// `string`.
    String,
    /// An array: the types of its first elements, and of any further ones (`None`: there are none).
    Array(Vec<Type>, Option<Box<Type>>),
    /// An object: its known properties (key, type), and key and value type of any others.
    Object(Vec<(Key, Type)>, Option<Box<(Type, Type)>>),
    /// A set of elements of one type.
    Set(Box<Type>),
    /// A union. The empty union is OPA's `any`: every value.
    Any(Vec<Type>),
    /// A function: argument types, the type of further (variadic) arguments, result (`None`: void).
    Function(Vec<Type>, Option<Box<Type>>, Option<Box<Type>>),
}

/// A known key of an object type: a ground scalar in its Rego text form.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as its decimal text.
    Number(String),
    /// A string.
    String(String),
}

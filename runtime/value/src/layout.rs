//! Where the parts of values lie, for those who read them without this crate's methods: machine code.
//!
//! The surprising fact: this is a contract with one reader, the JIT, in the same program; nothing of it is
//! ever stored.

/// Bytes of a value.
pub const VALUE: usize = 16;
/// The tag word (`u32`): [`crate::tag`] in the low 8 bits, a string's symbol in the upper 24.
pub const TAG: usize = if cfg!(target_endian = "little") { 0 } else { 4 };
/// Elements of a collection, bytes of a text (`u32`).
pub const LEN: usize = 4 - TAG;
/// An integer, a float, or the address of everything else.
pub const PAYLOAD: usize = 8;

/// In an object's block: one `u32` per key, the symbol of the key or 0.
pub const OBJECT_SYMBOLS: usize = 8;
/// In a set's block: the elements.
pub const SET_ELEMENTS: usize = 8;

/// In an object's block: the keys; the values follow them at once.
pub const fn object_keys(len: usize) -> usize {
    OBJECT_SYMBOLS + (len * 4).next_multiple_of(8)
}

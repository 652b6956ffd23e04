//! The 16-byte value.
//!
//! The surprising fact: the upper 32 bits of `head`, and the 24 below them, mean different things for each
//! tag, so this file is the only one that reads them. A string's symbol sits in the upper bits of its tag word, which
//! makes equality of two known strings one comparison of 32 bits.

#![expect(unsafe_code, reason = "reads the pointer or the number that the tag announces")]

use crate::{Array, Number, Object, Set, Symbol};
use std::marker::PhantomData;

/// An immutable Rego value, or undefined. 16 bytes, `Copy`, owns nothing.
///
/// Equality, order and hash are OPA's: `1 == 1.0`, and null < false < true < numbers < strings (by bytes)
/// < arrays < objects < sets. Undefined is below all and equal only to itself; collections never hold it.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Value<'a> {
    /// The tag word in the low 32 bits: the tag in its low 8, a string's symbol (0: none) in its upper 24.
    /// In the upper 32: bytes of a text, elements of a collection, otherwise 0.
    head: u64,
    /// An address, or the bits of a number. Two plain words, because the compiler then passes and returns
    /// values in registers; a union, or three fields, would go through memory at each call.
    bits: *const u8,
    life: PhantomData<&'a ()>,
}

// The bits of numbers take the place of an address.
const _: () = assert!(size_of::<*const u8>() == size_of::<u64>(), "govc runs on processors of 64 bits");

const _: () = assert!(size_of::<Value<'_>>() == 16 && align_of::<Value<'_>>() == 8);

const _: () = {
    use crate::layout;
    use std::mem::offset_of;
    assert!(size_of::<Value<'_>>() == layout::VALUE);
    assert!(offset_of!(Value<'_>, head) == 0 && layout::TAG + layout::LEN == 4);
    assert!(offset_of!(Value<'_>, bits) == layout::PAYLOAD);
};

/// The tags, in an order that makes truth one comparison: only the first two are not truthy.
pub mod tag {
    /// No value.
    pub const UNDEFINED: u32 = 0;
    /// `false`.
    pub const FALSE: u32 = 1;
    /// `null`.
    pub const NULL: u32 = 2;
    /// `true`.
    pub const TRUE: u32 = 3;
    /// An integer of 64 bits, in the payload.
    pub const INT: u32 = 4;
    /// A float that is no integer, in the payload.
    pub const FLOAT: u32 = 5;
    /// Any other number, as text.
    pub const NUMBER: u32 = 6;
    /// A string; the symbol is in the upper 24 bits.
    pub const STRING: u32 = 7;
    /// An array.
    pub const ARRAY: u32 = 8;
    /// An object.
    pub const OBJECT: u32 = 9;
    /// A set.
    pub const SET: u32 = 10;
    /// Selects the tag from the tag word.
    pub const MASK: u32 = 0xff;
    /// Shifts the tag word to the symbol.
    pub const SYMBOL_SHIFT: u32 = 8;
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

impl Kind {
    /// OPA's word for the type, as `type_name` and error messages print it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Undefined => "undefined",
            Kind::Null => "null",
            Kind::Bool => "boolean",
            Kind::Number => "number",
            Kind::String => "string",
            Kind::Array => "array",
            Kind::Object => "object",
            Kind::Set => "set",
        }
    }
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

// SAFETY: a value only ever points to memory that is not written after the value was made, and that
// lives at least for 'a; it holds no interior mutability.
unsafe impl Send for Value<'_> {}
// SAFETY: as for Send.
unsafe impl Sync for Value<'_> {}

impl<'a> Value<'a> {
    /// No value.
    pub const UNDEFINED: Value<'static> = Value::plain(tag::UNDEFINED);
    /// `null`.
    pub const NULL: Value<'static> = Value::plain(tag::NULL);
    /// `true`.
    pub const TRUE: Value<'static> = Value::plain(tag::TRUE);
    /// `false`.
    pub const FALSE: Value<'static> = Value::plain(tag::FALSE);

    const fn plain(tag: u32) -> Value<'static> {
        Value { head: tag as u64, bits: std::ptr::null(), life: PhantomData }
    }

    /// A number in the place of an address.
    #[inline]
    const fn number(tag: u32, bits: u64) -> Value<'static> {
        // Lossless: an address has 64 bits.
        Value { head: tag as u64, bits: std::ptr::without_provenance(bits as usize), life: PhantomData }
    }

    #[inline]
    fn pointing(tag: u32, len: usize, address: *const u8) -> Self {
        // Callers bound the length: `Arena` refuses what does not fit 32 bits.
        debug_assert!(u32::try_from(len).is_ok());
        Value { head: u64::from(tag) | (len as u64) << 32, bits: address, life: PhantomData }
    }

    /// `null`.
    pub fn null() -> Value<'static> {
        Value::NULL
    }

    /// `true` or `false`.
    #[inline]
    pub fn bool(b: bool) -> Value<'static> {
        if b { Value::TRUE } else { Value::FALSE }
    }

    /// An integer.
    #[inline]
    pub fn int(i: i64) -> Value<'static> {
        Value::number(tag::INT, i.cast_unsigned())
    }

    /// A float that is finite and no integer.
    #[inline]
    pub(crate) fn raw_float(float: f64) -> Value<'static> {
        debug_assert!(float.is_finite() && float.fract() != 0.0);
        Value::number(tag::FLOAT, float.to_bits())
    }

    /// A number that is neither, as text.
    pub(crate) fn raw_number(text: &'a str) -> Self {
        Self::pointing(tag::NUMBER, text.len(), text.as_ptr())
    }

    /// A string with the symbol that the table has for it (0: none).
    #[inline]
    pub(crate) fn raw_string(text: &'a str, symbol: u32) -> Self {
        Self::pointing(tag::STRING | symbol << tag::SYMBOL_SHIFT, text.len(), text.as_ptr())
    }

    pub(crate) fn raw_array(elements: &'a [Value<'a>]) -> Self {
        Self::pointing(tag::ARRAY, elements.len(), elements.as_ptr().cast())
    }

    pub(crate) fn raw_object(object: Object<'a>) -> Self {
        let (address, len) = object.into_raw();
        Self::pointing(tag::OBJECT, len, address)
    }

    pub(crate) fn raw_set(set: Set<'a>) -> Self {
        let (address, len) = set.into_raw();
        Self::pointing(tag::SET, len, address)
    }

    /// The tag, one of [`tag`].
    #[inline]
    pub(crate) fn tag(self) -> u32 {
        self.tag_word() & tag::MASK
    }

    /// Tag and symbol: equal words of two strings with symbols mean equal strings.
    #[inline]
    pub(crate) fn tag_word(self) -> u32 {
        // The low 32 bits.
        self.head as u32
    }

    /// The other half of the head.
    #[inline]
    fn extent(self) -> usize {
        (self.head >> 32) as usize
    }

    /// The symbol's number; 0 for a string without one and for everything else.
    #[inline]
    pub(crate) fn symbol_word(self) -> u32 {
        self.tag_word() >> tag::SYMBOL_SHIFT
    }

    /// The type.
    #[inline]
    pub fn kind(self) -> Kind {
        match self.tag() {
            tag::UNDEFINED => Kind::Undefined,
            tag::NULL => Kind::Null,
            tag::FALSE | tag::TRUE => Kind::Bool,
            tag::INT | tag::FLOAT | tag::NUMBER => Kind::Number,
            tag::STRING => Kind::String,
            tag::ARRAY => Kind::Array,
            tag::OBJECT => Kind::Object,
            _ => Kind::Set,
        }
    }

    /// The value opened for matching.
    #[inline]
    pub fn view(self) -> View<'a> {
        match self.tag() {
            tag::UNDEFINED => View::Undefined,
            tag::NULL => View::Null,
            tag::FALSE => View::Bool(false),
            tag::TRUE => View::Bool(true),
            tag::INT => View::Number(Number::Int(self.payload_int())),
            tag::FLOAT => View::Number(Number::Float(self.payload_float())),
            tag::NUMBER => View::Number(Number::Text(self.payload_text())),
            tag::STRING => View::String(self.payload_text()),
            tag::ARRAY => View::Array(self.payload_array()),
            tag::OBJECT => View::Object(self.payload_object()),
            _ => View::Set(self.payload_set()),
        }
    }

    #[inline]
    fn payload_int(self) -> i64 {
        debug_assert_eq!(self.tag(), tag::INT);
        (self.bits.addr() as u64).cast_signed()
    }

    #[inline]
    fn payload_float(self) -> f64 {
        debug_assert_eq!(self.tag(), tag::FLOAT);
        f64::from_bits(self.bits.addr() as u64)
    }

    #[inline]
    fn payload_text(self) -> &'a str {
        debug_assert!(matches!(self.tag(), tag::NUMBER | tag::STRING));
        // SAFETY: `raw_number` and `raw_string` are the only makers of these tags; address and length
        // are those of a `&'a str`.
        unsafe {
            let bytes = std::slice::from_raw_parts(self.bits, self.extent());
            std::str::from_utf8_unchecked(bytes)
        }
    }

    #[inline]
    fn payload_array(self) -> Array<'a> {
        debug_assert_eq!(self.tag(), tag::ARRAY);
        // SAFETY: `raw_array` is the only maker of the tag; address and length are those of a `&'a [Value<'a>]`.
        Array::new(unsafe { std::slice::from_raw_parts(self.bits.cast(), self.extent()) })
    }

    #[inline]
    fn payload_object(self) -> Object<'a> {
        debug_assert_eq!(self.tag(), tag::OBJECT);
        // SAFETY: `raw_object` is the only maker of the tag; address and length come from `Object::into_raw`.
        unsafe { Object::from_raw(self.bits, self.extent()) }
    }

    #[inline]
    fn payload_set(self) -> Set<'a> {
        debug_assert_eq!(self.tag(), tag::SET);
        // SAFETY: `raw_set` is the only maker of the tag; address and length come from `Set::into_raw`.
        unsafe { Set::from_raw(self.bits, self.extent()) }
    }

    /// No value?
    #[inline]
    pub fn is_undefined(self) -> bool {
        self.tag_word() == tag::UNDEFINED
    }

    /// Neither undefined nor `false`.
    #[inline]
    pub fn is_truthy(self) -> bool {
        self.tag_word() > tag::FALSE
    }

    /// `null`?
    #[inline]
    pub fn is_null(self) -> bool {
        self.tag_word() == tag::NULL
    }

    /// The Boolean, if it is one.
    #[inline]
    pub fn as_bool(self) -> Option<bool> {
        match self.tag_word() {
            tag::FALSE => Some(false),
            tag::TRUE => Some(true),
            _ => None,
        }
    }

    /// The integer, if it is one that fits (also `1.0` and `1e2`).
    #[inline]
    pub fn as_int(self) -> Option<i64> {
        match self.tag() {
            tag::INT => Some(self.payload_int()),
            tag::NUMBER => Number::Text(self.payload_text()).as_int(),
            _ => None,
        }
    }

    /// The number, if it is one.
    #[inline]
    pub fn as_number(self) -> Option<Number<'a>> {
        match self.tag() {
            tag::INT => Some(Number::Int(self.payload_int())),
            tag::FLOAT => Some(Number::Float(self.payload_float())),
            tag::NUMBER => Some(Number::Text(self.payload_text())),
            _ => None,
        }
    }

    /// The text, if it is a string.
    #[inline]
    pub fn as_str(self) -> Option<&'a str> {
        (self.tag() == tag::STRING).then(|| self.payload_text())
    }

    /// The symbol, if it is a string of the symbol table.
    #[inline]
    pub fn symbol(self) -> Option<Symbol> {
        Symbol::from_word(self.symbol_word())
    }

    /// The array, if it is one.
    #[inline]
    pub fn as_array(self) -> Option<Array<'a>> {
        (self.tag() == tag::ARRAY).then(|| self.payload_array())
    }

    /// The object, if it is one.
    #[inline]
    pub fn as_object(self) -> Option<Object<'a>> {
        (self.tag() == tag::OBJECT).then(|| self.payload_object())
    }

    /// The set, if it is one.
    #[inline]
    pub fn as_set(self) -> Option<Set<'a>> {
        (self.tag() == tag::SET).then(|| self.payload_set())
    }

    /// One step of a reference: the value of an object's key, the element of an array at an integer,
    /// the element of a set that equals the key; undefined when absent or not a collection.
    #[inline]
    pub fn get(self, key: Value<'_>) -> Value<'a> {
        match self.tag() {
            tag::OBJECT => self.payload_object().get(key),
            tag::ARRAY => self.payload_array().get(key),
            tag::SET => self.payload_set().get(key),
            _ => Value::UNDEFINED,
        }
    }

    /// Number of elements of a collection; 0 for everything else.
    #[inline]
    pub fn len(self) -> usize {
        if self.is_collection() { self.extent() } else { 0 }
    }

    /// No elements, or no collection?
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// An array, object or set?
    #[inline]
    pub fn is_collection(self) -> bool {
        self.tag() >= tag::ARRAY
    }

    /// The key and value at a position in iteration order (array: index, element; set: element twice).
    #[inline]
    pub fn entry(self, position: usize) -> Option<(Value<'a>, Value<'a>)> {
        match self.tag() {
            tag::ARRAY => {
                let element = *self.payload_array().as_slice().get(position)?;
                // Lossless: an array holds fewer than 2^32 elements.
                Some((Value::int(position as i64), element))
            }
            tag::OBJECT => self.payload_object().entry(position),
            tag::SET => {
                let element = *self.payload_set().as_slice().get(position)?;
                Some((element, element))
            }
            _ => None,
        }
    }

    /// All keys and values in iteration order, as [`Value::entry`].
    pub fn entries(self) -> impl ExactSizeIterator<Item = (Value<'a>, Value<'a>)> {
        // `entry` answers for every position below `len`.
        (0..self.len())
            .map(move |position| self.entry(position).unwrap_or((Value::UNDEFINED, Value::UNDEFINED)))
    }
}

impl Default for Value<'_> {
    fn default() -> Self {
        Value::UNDEFINED
    }
}

impl From<bool> for Value<'_> {
    fn from(b: bool) -> Self {
        Value::bool(b)
    }
}

impl From<i64> for Value<'_> {
    fn from(i: i64) -> Self {
        Value::int(i)
    }
}

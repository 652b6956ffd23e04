//! Arrays, objects and sets. Objects and sets are kept sorted in OPA's order, which is their iteration order.
//!
//! An object is one block: a header, one `u32` per key that holds the key's symbol (0: none), the keys,
//! the values and, above [`SCAN`] keys, a hash index of positions. A set is a header, the elements and
//! the same index. The surprising fact: a look-up by symbol reads the symbols only, never a text.

#![expect(unsafe_code, reason = "objects and sets are blocks with a computed layout")]

use crate::compare::{hash_symbol, hash_value};
use crate::{Arena, Symbol, Value, layout};
use std::alloc::Layout;
use std::marker::PhantomData;

/// Up to this many keys are scanned; measured on look-ups of symbols.
const SCAN: usize = 32;

/// The header: how many slots the index has (0 or a power of two), as `u64`.
const HEADER: usize = size_of::<u64>();
const VALUE: usize = size_of::<Value<'_>>();
const WORD: usize = size_of::<u32>();
const _: () = assert!(HEADER == layout::OBJECT_SYMBOLS && HEADER == layout::SET_ELEMENTS);

/// An array.
#[derive(Clone, Copy)]
pub struct Array<'a>(&'a [Value<'a>]);

/// An object, sorted by key.
#[derive(Clone, Copy)]
pub struct Object<'a> {
    start: *const u8,
    len: usize,
    life: PhantomData<&'a Value<'a>>,
}

/// A set, sorted.
#[derive(Clone, Copy)]
pub struct Set<'a> {
    start: *const u8,
    len: usize,
    life: PhantomData<&'a Value<'a>>,
}

// SAFETY: as for `Value`: the blocks are never written after they were built.
unsafe impl Send for Object<'_> {}
// SAFETY: as above.
unsafe impl Sync for Object<'_> {}
// SAFETY: as above.
unsafe impl Send for Set<'_> {}
// SAFETY: as above.
unsafe impl Sync for Set<'_> {}

/// A key with its value, in whatever shape the caller holds them.
pub(crate) trait Pair<'a>: Copy {
    fn key(&self) -> Value<'a>;
    fn value(&self) -> Value<'a>;
    fn new(key: Value<'a>, value: Value<'a>) -> Self;
}

impl<'a> Pair<'a> for (Value<'a>, Value<'a>) {
    fn key(&self) -> Value<'a> {
        self.0
    }
    fn value(&self) -> Value<'a> {
        self.1
    }
    fn new(key: Value<'a>, value: Value<'a>) -> Self {
        (key, value)
    }
}

impl<'a> Pair<'a> for [Value<'a>; 2] {
    fn key(&self) -> Value<'a> {
        self[0]
    }
    fn value(&self) -> Value<'a> {
        self[1]
    }
    fn new(key: Value<'a>, value: Value<'a>) -> Self {
        [key, value]
    }
}

/// Sorts by key and moves one entry per key to the front: the first key with the last value, as in OPA.
/// Returns how many there are.
pub(crate) fn sort_pairs<'a, P: Pair<'a>>(entries: &mut [P]) -> usize {
    if entries.is_sorted_by(|a, b| a.key() < b.key()) {
        return entries.len();
    }
    entries.sort_by(|a, b| a.key().cmp(&b.key()));
    let mut kept = 0;
    for at in 0..entries.len() {
        let entry = entries[at];
        if kept > 0 && entries[kept - 1].key() == entry.key() {
            entries[kept - 1] = P::new(entries[kept - 1].key(), entry.value());
        } else {
            entries[kept] = entry;
            kept += 1;
        }
    }
    kept
}

/// Sorts and removes duplicates; of equal elements the first stays.
pub(crate) fn sort_elements(elements: &mut Vec<Value<'_>>) {
    if !elements.is_sorted_by(|a, b| a < b) {
        elements.sort();
        elements.dedup();
    }
}

/// Where the parts of an object's block are, in bytes from its start.
struct ObjectLayout {
    keys: usize,
    values: usize,
    index: usize,
}

impl ObjectLayout {
    #[inline]
    const fn new(len: usize) -> Self {
        let keys = layout::object_keys(len);
        let values = keys + len * VALUE;
        Self { keys, values, index: values + len * VALUE }
    }
}

/// Number of slots that the index of so many keys has.
const fn index_slots(len: usize) -> usize {
    if len <= SCAN { 0 } else { (len * 2).next_power_of_two() }
}

/// A block of zeroed bytes for `len` entries; nothing when the arena's limit is reached.
fn allocate(arena: &Arena, len: usize, size: usize) -> Option<*mut u8> {
    arena.fits(len)?;
    let start = arena.allocate(Layout::from_size_align(size, align_of::<Value<'_>>()).ok()?)?.as_ptr();
    Some(start)
}

/// An object of entries that are sorted and have no duplicates.
pub(crate) fn build_object<'a, P: Pair<'a>>(arena: &'a Arena, entries: &[P]) -> Option<Object<'a>> {
    let len = entries.len();
    let layout = ObjectLayout::new(len);
    let slots = index_slots(len);
    let start = allocate(arena, len, layout.index + slots * WORD)?;
    // SAFETY: the block is fresh and has the size that the layout asks for; all offsets are multiples of
    // the alignment of what is written there; every part is written whole before a reference to it is made.
    unsafe {
        start.cast::<u64>().write(slots as u64);
        let (words, keys) = (start.add(HEADER).cast::<u32>(), start.add(layout.keys).cast::<Value<'a>>());
        let values = start.add(layout.values).cast::<Value<'a>>();
        for (i, entry) in entries.iter().enumerate() {
            words.add(i).write(entry.key().symbol_word());
            keys.add(i).write(entry.key());
            values.add(i).write(entry.value());
        }
        if slots > 0 {
            let keys = std::slice::from_raw_parts(keys, len);
            fill_index(start.add(layout.index).cast(), slots, keys);
        }
    }
    Some(Object { start, len, life: PhantomData })
}

/// A set of elements that are sorted and have no duplicates.
pub(crate) fn build_set<'a>(arena: &'a Arena, elements: &[Value<'a>]) -> Option<Set<'a>> {
    let len = elements.len();
    let slots = index_slots(len);
    let index = HEADER + len * VALUE;
    let start = allocate(arena, len, index + slots * WORD)?;
    // SAFETY: as in `build_object`.
    unsafe {
        start.cast::<u64>().write(slots as u64);
        start.add(HEADER).cast::<Value<'a>>().copy_from_nonoverlapping(elements.as_ptr(), len);
        if slots > 0 {
            fill_index(start.add(index).cast(), slots, elements);
        }
    }
    Some(Set { start, len, life: PhantomData })
}

/// Writes an index: slot = hash of the key, entry = its position + 1, 0 = free.
///
/// # Safety
/// `index` must point to `slots` aligned words that may be written; `slots` must be a power of two and
/// larger than the number of keys.
unsafe fn fill_index(index: *mut u32, slots: usize, keys: &[Value<'_>]) {
    // SAFETY: the caller lends the words for writing, and they are zeroed before the slice is made.
    let index = unsafe {
        index.write_bytes(0, slots);
        std::slice::from_raw_parts_mut(index, slots)
    };
    for (position, &key) in keys.iter().enumerate() {
        let mut at = hash_value(key) as usize & (slots - 1);
        while index[at] != 0 {
            at = (at + 1) & (slots - 1);
        }
        // Lossless: `Arena::fits` bounded the number of keys.
        index[at] = position as u32 + 1;
    }
}

/// The position in the index whose key satisfies `matches`.
#[inline]
fn probe(index: &[u32], hash: u64, matches: impl Fn(usize) -> bool) -> Option<usize> {
    let mask = index.len() - 1;
    let mut at = hash as usize & mask;
    loop {
        match index[at] {
            0 => return None,
            entry if matches(entry as usize - 1) => return Some(entry as usize - 1),
            _ => at = (at + 1) & mask,
        }
    }
}

/// The position of a word. Four at a time: one branch for each word would be guessed wrong too often.
#[inline]
fn scan(words: &[u32], wanted: u32) -> Option<usize> {
    let mut at = 0;
    let (chunks, rest) = words.as_chunks::<4>();
    for chunk in chunks {
        let found = chunk.map(|word| word == wanted);
        if found[0] | found[1] | found[2] | found[3] {
            return Some(at + found.iter().position(|&f| f).unwrap_or(0));
        }
        at += 4;
    }
    rest.iter().position(|&word| word == wanted).map(|i| at + i)
}

impl<'a> Array<'a> {
    #[inline]
    pub(crate) fn new(elements: &'a [Value<'a>]) -> Self {
        Self(elements)
    }

    /// The elements.
    #[inline]
    pub fn as_slice(self) -> &'a [Value<'a>] {
        self.0
    }

    /// Number of elements.
    #[inline]
    pub fn len(self) -> usize {
        self.0.len()
    }

    /// No elements?
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// The element at an index, or undefined. As in OPA `1.0` is an index, and `1e0` is none.
    #[inline]
    pub fn get(self, index: Value<'_>) -> Value<'a> {
        let position = index.as_number().and_then(crate::Number::as_index);
        position.map_or(Value::UNDEFINED, |position| self.at(position))
    }

    /// The element at a position, or undefined.
    #[inline]
    pub fn at(self, position: usize) -> Value<'a> {
        self.0.get(position).copied().unwrap_or(Value::UNDEFINED)
    }

    /// The elements in order.
    pub fn iter(self) -> impl DoubleEndedIterator<Item = Value<'a>> + ExactSizeIterator {
        self.0.iter().copied()
    }
}

impl<'a> Object<'a> {
    pub(crate) fn into_raw(self) -> (*const u8, usize) {
        (self.start, self.len)
    }

    /// # Safety
    /// The arguments must come from `into_raw` of an `Object<'a>`.
    #[inline]
    pub(crate) unsafe fn from_raw(start: *const u8, len: usize) -> Self {
        Object { start, len, life: PhantomData }
    }

    /// Number of entries.
    #[inline]
    pub fn len(self) -> usize {
        self.len
    }

    /// No entries?
    pub fn is_empty(self) -> bool {
        self.len == 0
    }

    /// The symbols of the keys; 0 for a key without one.
    #[inline]
    fn words(self) -> &'a [u32] {
        // SAFETY: `build_object` wrote `len` words behind the header; the block lives for 'a.
        unsafe { std::slice::from_raw_parts(self.start.add(HEADER).cast(), self.len) }
    }

    #[inline]
    fn index(self) -> &'a [u32] {
        // SAFETY: `build_object` wrote the number of slots into the header and as many words at the
        // layout's end; the block lives for 'a.
        unsafe {
            let slots = self.start.cast::<u64>().read() as usize;
            std::slice::from_raw_parts(self.start.add(ObjectLayout::new(self.len).index).cast(), slots)
        }
    }

    /// The keys in order.
    #[inline]
    pub fn keys(self) -> &'a [Value<'a>] {
        // SAFETY: `build_object` wrote `len` keys there; the block lives for 'a.
        unsafe {
            std::slice::from_raw_parts(self.start.add(ObjectLayout::new(self.len).keys).cast(), self.len)
        }
    }

    /// The values in the order of their keys.
    #[inline]
    pub fn values(self) -> &'a [Value<'a>] {
        // SAFETY: `build_object` wrote `len` values there; the block lives for 'a.
        unsafe {
            std::slice::from_raw_parts(self.start.add(ObjectLayout::new(self.len).values).cast(), self.len)
        }
    }

    /// The value of a key, or undefined.
    #[inline]
    pub fn get(self, key: Value<'_>) -> Value<'a> {
        if let Some(symbol) = key.symbol() {
            return self.get_symbol(symbol);
        }
        self.at(self.position(key))
    }

    /// Where a key stands in the order, if it is there.
    pub fn position(self, key: Value<'_>) -> Option<usize> {
        if let Some(symbol) = key.symbol() {
            return self.position_of_symbol(symbol);
        }
        let keys = self.keys();
        if self.len <= SCAN {
            return keys.iter().position(|k| *k == key);
        }
        probe(self.index(), hash_value(key), |at| keys[at] == key)
    }

    /// The value of a string key that is in the symbol table, or undefined.
    #[inline]
    pub fn get_symbol(self, key: Symbol) -> Value<'a> {
        self.at(self.position_of_symbol(key))
    }

    /// Where a key stands in the order, if it is there.
    #[inline]
    pub fn position_of_symbol(self, key: Symbol) -> Option<usize> {
        let words = self.words();
        if self.len <= SCAN {
            return scan(words, key.0);
        }
        probe(self.index(), hash_symbol(key.0), |at| words[at] == key.0)
    }

    /// As [`Object::get_symbol`], trying the position of the last hit first and keeping it in `hint`.
    #[inline(always)]
    pub fn get_symbol_hinted(self, key: Symbol, hint: &mut u32) -> Value<'a> {
        let position = *hint as usize;
        if self.words().get(position) == Some(&key.0) {
            return self.values()[position];
        }
        self.get_symbol_elsewhere(key, hint)
    }

    #[inline(never)]
    fn get_symbol_elsewhere(self, key: Symbol, hint: &mut u32) -> Value<'a> {
        let position = self.position_of_symbol(key);
        if let Some(position) = position {
            // Lossless: `Arena::fits` bounded the number of keys.
            *hint = position as u32;
        }
        self.at(position)
    }

    #[inline]
    fn at(self, position: Option<usize>) -> Value<'a> {
        position.and_then(|at| self.values().get(at).copied()).unwrap_or(Value::UNDEFINED)
    }

    /// The value of a string key, or undefined; for callers that have no [`crate::Heap`] to make the key with.
    pub fn get_str(self, key: &str) -> Value<'a> {
        let keys = self.keys();
        // Strings are one stretch of the keys, in the order of their bytes.
        let at = keys.partition_point(|k| match k.as_str() {
            Some(text) => text < key,
            None => k.kind() < crate::Kind::String,
        });
        self.at(keys.get(at).and_then(|k| (k.as_str() == Some(key)).then_some(at)))
    }

    /// The key and value at a position in the order.
    #[inline]
    pub fn entry(self, position: usize) -> Option<(Value<'a>, Value<'a>)> {
        Some((*self.keys().get(position)?, *self.values().get(position)?))
    }

    /// Entries in order.
    pub fn iter(self) -> impl DoubleEndedIterator<Item = (Value<'a>, Value<'a>)> + ExactSizeIterator {
        self.keys().iter().copied().zip(self.values().iter().copied())
    }
}

impl<'a> Set<'a> {
    pub(crate) fn into_raw(self) -> (*const u8, usize) {
        (self.start, self.len)
    }

    /// # Safety
    /// The arguments must come from `into_raw` of a `Set<'a>`.
    #[inline]
    pub(crate) unsafe fn from_raw(start: *const u8, len: usize) -> Self {
        Set { start, len, life: PhantomData }
    }

    /// The elements in order.
    #[inline]
    pub fn as_slice(self) -> &'a [Value<'a>] {
        // SAFETY: `build_set` wrote `len` elements behind the header; the block lives for 'a.
        unsafe { std::slice::from_raw_parts(self.start.add(HEADER).cast(), self.len) }
    }

    fn index(self) -> &'a [u32] {
        // SAFETY: `build_set` wrote the number of slots into the header and as many words behind the
        // elements; the block lives for 'a.
        unsafe {
            let slots = self.start.cast::<u64>().read() as usize;
            std::slice::from_raw_parts(self.start.add(HEADER + self.len * VALUE).cast(), slots)
        }
    }

    /// Number of elements.
    #[inline]
    pub fn len(self) -> usize {
        self.len
    }

    /// No elements?
    pub fn is_empty(self) -> bool {
        self.len == 0
    }

    /// The element that equals the key, or undefined.
    #[inline]
    pub fn get(self, key: Value<'_>) -> Value<'a> {
        self.position(key).map_or(Value::UNDEFINED, |at| self.as_slice()[at])
    }

    /// Where an element stands in the order, if it is there.
    #[inline]
    pub fn position(self, key: Value<'_>) -> Option<usize> {
        let elements = self.as_slice();
        if self.len <= SCAN {
            return elements.iter().position(|e| *e == key);
        }
        probe(self.index(), hash_value(key), |at| elements[at] == key)
    }

    /// Membership.
    #[inline]
    pub fn contains(self, element: Value<'_>) -> bool {
        !self.get(element).is_undefined()
    }

    /// The elements in order.
    pub fn iter(self) -> impl DoubleEndedIterator<Item = Value<'a>> + ExactSizeIterator {
        self.as_slice().iter().copied()
    }
}

//! Equality, order and hash as OPA defines them.
//!
//! The surprising fact: two strings of which both have symbols are never read, and of which only one has
//! a symbol are unequal without reading. Debug builds read them and check.

use crate::value::tag;
use crate::{Value, View};
use std::cmp::Ordering;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::OnceLock;

/// Nesting up to which comparisons recurse; deeper ones keep their own stack.
const RECURSION: u32 = 200;

impl PartialEq for Value<'_> {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        match (self.tag(), other.tag()) {
            (tag::STRING, tag::STRING) => strings_equal(*self, *other),
            (tag::INT, tag::INT) => self.as_int() == other.as_int(),
            (a, b) if a != b => numbers_equal(*self, *other),
            (a, _) if a <= tag::TRUE => true,
            (a, _) if a >= tag::ARRAY && self.len() != other.len() => false,
            _ => self.cmp(other).is_eq(),
        }
    }
}

impl Eq for Value<'_> {}

impl PartialOrd for Value<'_> {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Value<'_> {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        if self.tag() == tag::STRING && other.tag() == tag::STRING {
            return compare_strings(*self, *other);
        }
        compare_nested(*self, *other, 0)
    }
}

/// Numbers of different representation can be equal, nothing else of different tags can.
#[cold]
fn numbers_equal(a: Value<'_>, b: Value<'_>) -> bool {
    match (a.as_number(), b.as_number()) {
        (Some(a), Some(b)) => a == b,
        _ => false,
    }
}

#[inline]
fn strings_equal(a: Value<'_>, b: Value<'_>) -> bool {
    let equal = if a.symbol_word() | b.symbol_word() != 0 {
        a.tag_word() == b.tag_word()
    } else {
        a.as_str() == b.as_str()
    };
    debug_assert_eq!(equal, a.as_str() == b.as_str(), "a string of the symbol table lost its symbol");
    equal
}

#[inline]
fn compare_strings(a: Value<'_>, b: Value<'_>) -> Ordering {
    if a.symbol_word() != 0 && b.symbol_word() != 0 {
        let order = a.symbol_word().cmp(&b.symbol_word());
        debug_assert_eq!(order, a.as_str().cmp(&b.as_str()), "symbols are in text order");
        return order;
    }
    a.as_str().cmp(&b.as_str())
}

fn compare_nested(a: Value<'_>, b: Value<'_>, depth: u32) -> Ordering {
    match (a.view(), b.view()) {
        (View::Bool(a), View::Bool(b)) => a.cmp(&b),
        (View::Number(a), View::Number(b)) => a.cmp(&b),
        (View::String(_), View::String(_)) => compare_strings(a, b),
        (View::Array(_), View::Array(_))
        | (View::Object(_), View::Object(_))
        | (View::Set(_), View::Set(_)) => {
            if depth < RECURSION {
                compare_entries(a, b, depth + 1)
            } else {
                compare_deep(a, b)
            }
        }
        _ => a.kind().cmp(&b.kind()),
    }
}

/// The first difference decides; otherwise the shorter comes first. Objects: key, value, key, value.
fn compare_entries(a: Value<'_>, b: Value<'_>, depth: u32) -> Ordering {
    for ((a_key, a_value), (b_key, b_value)) in a.entries().zip(b.entries()) {
        let order = compare_nested(a_key, b_key, depth).then_with(|| compare_nested(a_value, b_value, depth));
        if order.is_ne() {
            return order;
        }
    }
    a.len().cmp(&b.len())
}

/// As `compare_entries`, with the stack on the heap.
fn compare_deep(a: Value<'_>, b: Value<'_>) -> Ordering {
    let mut open = vec![(a, b, 0)];
    while let Some((a, b, at)) = open.pop() {
        // Step 2i is the i-th key, step 2i + 1 the i-th value.
        let (Some((a_key, a_value)), Some((b_key, b_value))) = (a.entry(at / 2), b.entry(at / 2)) else {
            let order = a.len().cmp(&b.len());
            if order.is_ne() {
                return order;
            }
            continue;
        };
        open.push((a, b, at + 1));
        let (a, b) = if at % 2 == 0 { (a_key, b_key) } else { (a_value, b_value) };
        if a.is_collection() && a.kind() == b.kind() {
            open.push((a, b, 0));
        } else {
            let order = compare_nested(a, b, 0);
            if order.is_ne() {
                return order;
            }
        }
    }
    Ordering::Equal
}

impl Hash for Value<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(hash_value(*self));
    }
}

/// The hash of a value: equal values (over one symbol table) have equal hashes. Differs between processes.
#[inline]
pub(crate) fn hash_value(value: Value<'_>) -> u64 {
    match value.tag() {
        tag::STRING if value.symbol_word() != 0 => hash_symbol(value.symbol_word()),
        tag::STRING => hash_bytes(value.as_str().unwrap_or_default().as_bytes(), seed()),
        tag::INT | tag::FLOAT | tag::NUMBER => {
            fold(value.as_number().map_or(0, crate::Number::hash_bits) ^ seed(), NUMBER)
        }
        t if t < tag::ARRAY => fold(u64::from(t) ^ seed(), SCALAR),
        _ => hash_collection(value),
    }
}

/// Walks with its own stack: hostile nesting must not end the process.
fn hash_collection(value: Value<'_>) -> u64 {
    let mut hash = seed();
    let mut open = vec![(value, 0)];
    while let Some((value, at)) = open.pop() {
        if at == 0 {
            hash = fold(hash ^ (value.len() as u64) << 8 ^ value.kind() as u64, COLLECTION);
        }
        let Some((key, element)) = value.entry(at / 2) else { continue };
        open.push((value, at + 1));
        let part = if at % 2 == 0 { key } else { element };
        // An array's keys say nothing, and a set's elements need no second look.
        if at % 2 == usize::from(value.tag() != tag::ARRAY) && value.tag() != tag::OBJECT {
            continue;
        }
        if part.is_collection() {
            open.push((part, 0));
        } else {
            hash = fold(hash ^ hash_value(part), COLLECTION);
        }
    }
    hash
}

/// The hash of a string with this symbol.
#[inline]
pub(crate) fn hash_symbol(symbol: u32) -> u64 {
    fold(u64::from(symbol) ^ seed(), SYMBOL)
}

/// The hash of a text. Seeded, because input chooses what is probed.
#[inline]
pub(crate) fn hash_bytes(bytes: &[u8], seed: u64) -> u64 {
    let len = bytes.len() as u64;
    if let (Some(first), Some(last)) = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        let mut hash = seed ^ len;
        if bytes.len() > 16 {
            // The words in between; the last ones are read again below.
            for word in bytes.as_chunks::<8>().0 {
                hash = fold(hash ^ u64::from_le_bytes(*word), TEXT);
            }
        }
        // Both factors hold the seed, so that no chosen text makes one of them zero.
        return fold(hash ^ u64::from_le_bytes(*first), seed.rotate_left(32) ^ u64::from_le_bytes(*last));
    }
    let word = match (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        (Some(first), Some(last)) => {
            u64::from(u32::from_le_bytes(*first)) << 32 | u64::from(u32::from_le_bytes(*last))
        }
        _ => bytes.iter().fold(0, |word, &b| word << 8 | u64::from(b)),
    };
    fold(seed ^ word, TAIL ^ len)
}

/// Multiplies to 128 bits and folds the halves, as the wyhash family does.
#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

// Odd constants without structure (digits of pi, e and roots).
const TEXT: u64 = 0x243f_6a88_85a3_08d3;
const TAIL: u64 = 0x1319_8a2e_0370_7345;
const NUMBER: u64 = 0xb7e1_5162_8aed_2a6b;
const SYMBOL: u64 = 0x9e37_79b9_7f4a_7c15;
const SCALAR: u64 = 0xbb67_ae85_84ca_a73b;
const COLLECTION: u64 = 0xa54f_f53a_5f1d_36f1;

/// Chosen once by each process.
#[inline]
pub(crate) fn seed() -> u64 {
    static SEED: OnceLock<u64> = OnceLock::new();
    *SEED.get_or_init(|| RandomState::new().hash_one(0u8))
}

impl std::fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&crate::text::to_rego(*self))
    }
}

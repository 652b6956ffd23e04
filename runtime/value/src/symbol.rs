//! Symbols: small numbers for the strings that a program and its data name.
//!
//! The surprising fact: symbols are given in the order of the texts, so the order of two symbols is the
//! order of their strings.

use crate::compare::{hash_bytes, seed};

/// Symbols fill 24 bits; strings beyond have none, which is slower and never wrong.
const MOST: usize = (1 << 24) - 1;

/// An entry of a [`SymbolTable`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Symbol(pub(crate) u32);

impl Symbol {
    /// 1 for the first string of the table in text order, and so on; never 0, below 2^24.
    #[inline]
    pub fn number(self) -> u32 {
        self.0
    }

    #[inline]
    pub(crate) fn from_word(word: u32) -> Option<Self> {
        (word != 0).then_some(Self(word))
    }
}

/// The strings of a program and its data. Never changes after it is built.
#[derive(Debug, Default)]
pub struct SymbolTable {
    /// All texts, in order, one after another.
    text: String,
    /// Where each text ends in `text`.
    ends: Vec<usize>,
    /// Open addressing; empty slots have symbol 0. At most half full, length a power of two (or none).
    slots: Vec<Slot>,
    /// Chosen by this process.
    seed: u64,
    /// Bytes of the longest text: anything longer needs no look-up.
    longest: usize,
}

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    hash: u32,
    symbol: u32,
    start: u32,
    len: u32,
}

impl SymbolTable {
    /// A table of these strings; sorts and removes duplicates.
    pub(crate) fn new<S: AsRef<str> + Ord>(mut strings: Vec<S>) -> Self {
        strings.sort_unstable();
        strings.dedup();
        strings.truncate(fitting(&strings));
        let mut table = SymbolTable {
            text: String::with_capacity(strings.iter().map(|s| s.as_ref().len()).sum()),
            ends: Vec::with_capacity(strings.len()),
            slots: vec![Slot::default(); (strings.len() * 2).next_power_of_two()],
            seed: seed(),
            longest: strings.iter().map(|s| s.as_ref().len()).max().unwrap_or(0),
        };
        for string in &strings {
            table.push(string.as_ref());
        }
        table
    }

    fn push(&mut self, string: &str) {
        let hash = hash_bytes(string.as_bytes(), self.seed) as u32;
        // Lossless: `fitting` bounded the texts and their number.
        let (start, len) = (self.text.len() as u32, string.len() as u32);
        self.text.push_str(string);
        self.ends.push(self.text.len());
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        while self.slots[at].symbol != 0 {
            at = (at + 1) & mask;
        }
        self.slots[at] = Slot { hash, symbol: self.ends.len() as u32, start, len };
    }

    /// The symbol of a string, if the table has it.
    #[inline]
    pub fn lookup(&self, text: &str) -> Option<Symbol> {
        self.find(text).map(|(symbol, _)| symbol)
    }

    /// The symbol of a string and the table's own copy of it.
    #[inline]
    pub(crate) fn find(&self, text: &str) -> Option<(Symbol, &str)> {
        if text.len() > self.longest || self.ends.is_empty() {
            return None;
        }
        let hash = hash_bytes(text.as_bytes(), self.seed) as u32;
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            let slot = self.slots[at & mask];
            if slot.symbol == 0 {
                return None;
            }
            if slot.hash == hash && slot.len as usize == text.len() {
                let own = self.text.get(slot.start as usize..slot.start as usize + slot.len as usize);
                if let Some(own) = own.filter(|own| same_bytes(own.as_bytes(), text.as_bytes())) {
                    return Some((Symbol(slot.symbol), own));
                }
            }
            at += 1;
        }
    }

    /// The text of a symbol of this table; empty for a symbol of another, longer one.
    pub fn text(&self, symbol: Symbol) -> &str {
        self.text_at(symbol.0)
    }

    #[inline]
    fn text_at(&self, symbol: u32) -> &str {
        let index = symbol as usize;
        let start = if index < 2 { 0 } else { self.ends.get(index - 2).copied().unwrap_or(0) };
        let end = self.ends.get(index.wrapping_sub(1)).copied().unwrap_or(start);
        &self.text[start..end]
    }

    /// Number of strings.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// No strings?
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// All symbols with their texts, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (Symbol, &str)> {
        // Lossless: at most 2^24 - 1 strings.
        (0..self.ends.len()).map(|index| {
            let symbol = index as u32 + 1;
            (Symbol(symbol), self.text_at(symbol))
        })
    }

    /// The table without strings: for values that meet no program.
    pub fn empty() -> &'static SymbolTable {
        static EMPTY: SymbolTable =
            SymbolTable { text: String::new(), ends: Vec::new(), slots: Vec::new(), seed: 0, longest: 0 };
        &EMPTY
    }
}

/// How many of the sorted strings get a symbol: positions are kept in 32 bits.
fn fitting<S: AsRef<str>>(strings: &[S]) -> usize {
    let mut bytes = 0u64;
    let fits = |string: &&S| {
        bytes += string.as_ref().len() as u64;
        bytes <= u64::from(u32::MAX)
    };
    strings.iter().take(MOST).take_while(fits).count()
}

/// Equality of two texts of one length. Most are short: a call of `memcmp` costs more than two words do.
#[inline]
fn same_bytes(a: &[u8], b: &[u8]) -> bool {
    match (a.first_chunk::<8>(), a.last_chunk::<8>(), b.first_chunk::<8>(), b.last_chunk::<8>()) {
        (Some(a0), Some(a1), Some(b0), Some(b1)) => a0 == b0 && a1 == b1 && (a.len() <= 16 || a == b),
        _ => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a == b),
    }
}

//! Switch tables made ready: which case a value is.

use govc_bytecode::{Program, SwitchTable};
use govc_value::{Frozen, Symbol, Value};
use rustc_hash::FxHashMap;

/// A table of the program with an index over its cases.
pub(crate) struct Switch {
    symbols: FxHashMap<Symbol, u32>,
    /// Cases that are no strings: literal and case.
    others: Vec<(usize, u32)>,
    blocks: Vec<Box<[u32]>>,
}

impl Switch {
    pub(crate) fn all(program: &Program, frozen: &Frozen) -> Vec<Switch> {
        program.tables.iter().map(|t| Switch::new(t, frozen)).collect()
    }

    fn new(table: &SwitchTable, frozen: &Frozen) -> Self {
        let mut switch = Switch { symbols: FxHashMap::default(), others: Vec::new(), blocks: Vec::new() };
        for (case, at) in table.cases.iter().zip(0..) {
            let literal = case.literal as usize;
            match frozen.root(literal).symbol() {
                Some(symbol) => {
                    switch.symbols.entry(symbol).or_insert(at);
                }
                None => switch.others.push((literal, at)),
            }
            switch.blocks.push(case.blocks.as_slice().into());
        }
        switch.blocks.push(table.default.as_slice().into());
        switch
    }

    /// The case of a value; the last is for all that have none.
    #[inline]
    pub(crate) fn case(&self, frozen: &Frozen, value: Value<'_>) -> u32 {
        let default = self.blocks.len() as u32 - 1;
        if let Some(symbol) = value.symbol() {
            return self.symbols.get(&symbol).copied().unwrap_or(default);
        }
        if value.is_undefined() || self.others.is_empty() {
            return default;
        }
        let equal = |&&(literal, _): &&(usize, u32)| frozen.root(literal) == value;
        self.others.iter().find(equal).map_or(default, |&(_, case)| case)
    }

    /// The start of a block of a case.
    #[inline]
    pub(crate) fn block(&self, case: usize, position: usize) -> Option<u32> {
        self.blocks.get(case)?.get(position).copied()
    }
}

//! Memory that one thread keeps from query to query, so that a query allocates none.

use crate::builder::Cell;
use crate::machine::Frame;
use crate::memo::Slots;
use govc_stdlib::Cache;
use govc_value::Value;

/// Registers, memo and caches of one thread, reused from query to query.
#[derive(Default)]
pub struct Scratch {
    pub(crate) registers: Vec<Value<'static>>,
    pub(crate) pairs: Vec<(Value<'static>, Value<'static>)>,
    pub(crate) frames: Vec<Frame>,
    pub(crate) memo_values: Vec<Value<'static>>,
    pub(crate) builder_registers: Vec<u32>,
    /// Room for the cells of a query.
    pub(crate) cells: Vec<Cell<'static>>,
    pub(crate) spare_cells: Vec<Cell<'static>>,
    pub(crate) slots: Slots,
    pub(crate) cache: Cache,
    /// For machine code.
    pub(crate) hints: Vec<u32>,
    pub(crate) key_hints: Vec<u32>,
}

impl std::fmt::Debug for Scratch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scratch").finish_non_exhaustive()
    }
}

/// The same memory for values of another lifetime: an empty vector, whose collecting reuses the block.
pub(crate) fn recycle<'a>(mut values: Vec<Value<'_>>) -> Vec<Value<'a>> {
    values.clear();
    values.into_iter().map(|_| Value::UNDEFINED).collect()
}

/// As [`recycle`].
pub(crate) fn recycle_pairs<'a>(mut pairs: Vec<(Value<'_>, Value<'_>)>) -> Vec<(Value<'a>, Value<'a>)> {
    pairs.clear();
    pairs.into_iter().map(|_| (Value::UNDEFINED, Value::UNDEFINED)).collect()
}

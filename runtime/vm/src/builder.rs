//! Collections that are being made.
//!
//! A builder is a cell of its own; a builder register names it by number, and an object may hold others by
//! number, so two names see each other's changes. [`Builders::freeze`] makes a value and leaves the cell as
//! it is: nothing is lost when it is filled further.

use crate::scratch::recycle;
use govc_value::{Heap, Kind, Value};
use std::hash::{Hash, Hasher};

/// A builder register without a builder.
pub(crate) const NONE: u32 = u32::MAX;

/// Up to this many keys or elements are searched one by one.
const SCAN: usize = 8;

/// Builders inside builders, deeper than which nothing is frozen: the limit of values that are read.
const MAX_DEPTH: u32 = 1_000;

/// More cells than this are given back.
const CELLS_KEPT: usize = 8;

/// A collection that is being made.
pub(crate) struct Cell<'q> {
    kind: Kind,
    /// Another name than one register may know it.
    shared: bool,
    /// Its value, if nothing has changed since.
    frozen: Option<Value<'q>>,
    /// For an object that holds builders: the version of all cells when it was frozen.
    frozen_at: u64,
    /// Elements, or keys of an object.
    items: Vec<Value<'q>>,
    /// Values of an object.
    values: Vec<Value<'q>>,
    /// For each value of an object that is a builder: its position and number.
    inner: Vec<(u32, u32)>,
    index: Index,
    /// A set is sorted when it gets this large.
    tidy_at: usize,
}

/// Positions of items by hash; empty until there are many.
#[derive(Default)]
struct Index {
    slots: Vec<u32>,
}

/// What an object that is being made holds.
#[derive(Clone, Copy)]
pub(crate) enum Found<'q> {
    Value(Value<'q>),
    Builder(u32),
    Nothing,
}

/// All builders of a query. Those of a frame lie above those of its caller.
pub(crate) struct Builders<'q> {
    cells: Vec<Cell<'q>>,
    /// Memory of cells of earlier queries.
    spare: Vec<Cell<'static>>,
    in_use: usize,
    /// Values that were put into cells, to bound their memory.
    pushed: usize,
    /// Grows with every change of any cell.
    version: u64,
}

struct ValueHasher(u64);

impl Hasher for ValueHasher {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&b| self.0 = self.0.rotate_left(8) ^ u64::from(b));
    }
    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

fn hash(value: Value<'_>) -> usize {
    let mut hasher = ValueHasher(0);
    value.hash(&mut hasher);
    hasher.finish() as usize
}

impl Index {
    fn find(&self, items: &[Value<'_>], value: Value<'_>) -> Option<usize> {
        if self.slots.is_empty() {
            return items.iter().position(|&i| i == value);
        }
        let mask = self.slots.len() - 1;
        let mut at = hash(value) & mask;
        loop {
            let position = (self.slots[at] as usize).checked_sub(1)?;
            if items.get(position).is_some_and(|&i| i == value) {
                return Some(position);
            }
            at = (at + 1) & mask;
        }
    }

    /// Adds the last item.
    fn add(&mut self, items: &[Value<'_>]) {
        if items.len() <= SCAN {
            return;
        }
        if items.len() * 2 > self.slots.len() {
            self.slots.clear();
            self.slots.resize((items.len() * 4).next_power_of_two(), 0);
            (0..items.len()).for_each(|position| self.insert(items, position));
        } else {
            self.insert(items, items.len() - 1);
        }
    }

    fn insert(&mut self, items: &[Value<'_>], position: usize) {
        let mask = self.slots.len() - 1;
        let mut at = hash(items[position]) & mask;
        while self.slots[at] != 0 {
            at = (at + 1) & mask;
        }
        self.slots[at] = position as u32 + 1;
    }
}

impl<'q> Cell<'q> {
    fn new() -> Self {
        Cell {
            kind: Kind::Array,
            shared: false,
            frozen: None,
            frozen_at: 0,
            items: Vec::new(),
            values: Vec::new(),
            inner: Vec::new(),
            index: Index::default(),
            tidy_at: 0,
        }
    }

    fn clear(&mut self, kind: Kind) {
        self.kind = kind;
        self.shared = false;
        self.frozen = None;
        self.items.clear();
        self.values.clear();
        self.inner.clear();
        self.index.slots.clear();
        self.tidy_at = 1 << 10;
    }

    /// The same memory for another query.
    pub(crate) fn recycle<'a>(mut self) -> Cell<'a> {
        self.clear(Kind::Array);
        Cell {
            kind: self.kind,
            shared: false,
            frozen: None,
            frozen_at: 0,
            items: recycle(self.items),
            values: recycle(self.values),
            inner: self.inner,
            index: self.index,
            tidy_at: 0,
        }
    }

    /// Elements of a set come as they come; now and then the duplicates are thrown out.
    fn add(&mut self, value: Value<'q>) {
        if !self.index.slots.is_empty() {
            if self.index.find(&self.items, value).is_none() {
                self.items.push(value);
                self.index.add(&self.items);
            }
            return;
        }
        self.items.push(value);
        if self.items.len() >= self.tidy_at {
            self.tidy();
            self.tidy_at = self.items.len() * 2 + (1 << 10);
        }
    }

    fn tidy(&mut self) {
        self.items.sort_unstable();
        self.items.dedup();
    }

    /// Is it an element? Builds the index that keeps a large set from being searched again and again.
    fn contains(&mut self, value: Value<'q>) -> bool {
        if self.index.slots.is_empty() && self.items.len() > SCAN {
            self.tidy();
            self.index.add(&self.items);
        }
        self.index.find(&self.items, value).is_some()
    }

    fn insert(&mut self, key: Value<'q>, value: Value<'q>, builder: u32) {
        let at = match self.index.find(&self.items, key) {
            Some(at) => {
                self.inner.retain(|&(position, _)| position as usize != at);
                self.values[at] = value;
                at
            }
            None => {
                self.items.push(key);
                self.values.push(value);
                self.index.add(&self.items);
                self.items.len() - 1
            }
        };
        if builder != NONE {
            self.inner.push((at as u32, builder));
        }
    }

    fn find(&self, key: Value<'q>) -> Found<'q> {
        let Some(at) = self.index.find(&self.items, key) else { return Found::Nothing };
        match self.inner.iter().find(|&&(position, _)| position as usize == at) {
            Some(&(_, builder)) => Found::Builder(builder),
            None => Found::Value(self.values[at]),
        }
    }
}

impl<'q> Builders<'q> {
    /// No builders; `cells` is empty.
    pub(crate) fn new(cells: Vec<Cell<'q>>, spare: Vec<Cell<'static>>) -> Self {
        Self { cells, spare, in_use: 0, pushed: 0, version: 0 }
    }

    /// The memory for another query: room for cells, and the cells themselves.
    pub(crate) fn recycle<'a>(mut self) -> (Vec<Cell<'a>>, Vec<Cell<'static>>) {
        let free = CELLS_KEPT.saturating_sub(self.spare.len());
        self.spare.extend(self.cells.drain(..).take(free).map(Cell::recycle));
        (self.cells.into_iter().map(Cell::recycle).collect(), self.spare)
    }

    pub(crate) fn in_use(&self) -> u32 {
        self.in_use as u32
    }

    /// Gives back what was made after a call began.
    pub(crate) fn release(&mut self, in_use: u32) {
        self.in_use = in_use as usize;
    }

    /// Bytes that values in builders take, never less than they do.
    pub(crate) fn bytes(&self) -> usize {
        self.pushed * 64
    }

    /// An empty builder: the one of this register again, where nobody else knows it.
    pub(crate) fn make(&mut self, register: u32, kind: Kind) -> u32 {
        if let Some(cell) = self.cells.get_mut(register as usize)
            && (register as usize) < self.in_use
            && !cell.shared
        {
            cell.clear(kind);
            return register;
        }
        let at = self.in_use;
        if at == self.cells.len() {
            self.cells.push(self.spare.pop().map_or_else(Cell::new, Cell::recycle));
        }
        self.in_use += 1;
        self.pushed += 1;
        self.cells[at].clear(kind);
        at as u32
    }

    /// What a builder makes.
    pub(crate) fn kind(&self, builder: u32) -> Kind {
        self.cells.get(builder as usize).map_or(Kind::Array, |c| c.kind)
    }

    fn cell(&mut self, builder: u32) -> Option<&mut Cell<'q>> {
        if builder as usize >= self.in_use { None } else { self.cells.get_mut(builder as usize) }
    }

    /// The cell, about to be changed.
    fn change(&mut self, builder: u32, kind: Kind) -> Option<&mut Cell<'q>> {
        self.pushed += 1;
        self.version += 1;
        let cell = self.cell(builder).filter(|c| c.kind == kind)?;
        cell.frozen = None;
        Some(cell)
    }

    /// Another name than its register's will know it.
    pub(crate) fn share(&mut self, builder: u32) {
        if let Some(cell) = self.cell(builder) {
            cell.shared = true;
        }
    }

    /// A builder that begins with the content of a collection.
    pub(crate) fn thaw(&mut self, value: Value<'q>) -> u32 {
        let kind = value.kind();
        if !matches!(kind, Kind::Array | Kind::Object | Kind::Set) {
            return NONE;
        }
        let builder = self.make(NONE, kind);
        self.pushed += value.len();
        let Some(cell) = self.cell(builder) else { return NONE };
        for (key, element) in value.entries() {
            match kind {
                Kind::Object => cell.insert(key, element, NONE),
                _ => cell.items.push(element),
            }
        }
        builder
    }

    /// Appends to an array; false where it is none.
    pub(crate) fn append(&mut self, builder: u32, value: Value<'q>) -> bool {
        self.change(builder, Kind::Array).map(|c| c.items.push(value)).is_some()
    }

    /// Adds to a set; false where it is none.
    pub(crate) fn add(&mut self, builder: u32, value: Value<'q>) -> bool {
        self.change(builder, Kind::Set).map(|c| c.add(value)).is_some()
    }

    /// Inserts a value, or the builder `inner`, into an object; false where it is none.
    pub(crate) fn insert(&mut self, builder: u32, key: Value<'q>, value: Value<'q>, inner: u32) -> bool {
        self.share(inner);
        self.change(builder, Kind::Object).map(|c| c.insert(key, value, inner)).is_some()
    }

    /// The element at a key.
    pub(crate) fn find(&mut self, builder: u32, key: Value<'q>) -> Found<'q> {
        let Some(cell) = self.cell(builder) else { return Found::Nothing };
        match cell.kind {
            Kind::Object => cell.find(key),
            Kind::Set => match cell.contains(key) {
                true => Found::Value(key),
                false => Found::Nothing,
            },
            Kind::Array => match key.as_int().and_then(|i| cell.items.get(usize::try_from(i).ok()?)) {
                Some(&value) => Found::Value(value),
                None => Found::Nothing,
            },
            _ => Found::Nothing,
        }
    }

    /// The value of what a builder holds now; undefined where it is inside itself.
    pub(crate) fn freeze(&mut self, heap: Heap<'q>, builder: u32) -> Value<'q> {
        self.freeze_at(heap, builder, 0)
    }

    fn freeze_at(&mut self, heap: Heap<'q>, builder: u32, depth: u32) -> Value<'q> {
        let version = self.version;
        let Some(cell) = self.cell(builder).filter(|_| depth < MAX_DEPTH) else { return Value::UNDEFINED };
        if cell.inner.is_empty() {
            return cell.freeze_flat(heap);
        }
        match cell.frozen {
            Some(value) if cell.frozen_at == version => value,
            _ => self.freeze_nested(heap, builder, depth),
        }
    }

    /// An object that holds builders cannot know whether these have changed. While it is frozen it holds
    /// none, so one that is inside itself ends there.
    fn freeze_nested(&mut self, heap: Heap<'q>, builder: u32, depth: u32) -> Value<'q> {
        let version = self.version;
        let Some(cell) = self.cell(builder) else { return Value::UNDEFINED };
        let inner = std::mem::take(&mut cell.inner);
        let (keys, mut values) = (cell.items.clone(), cell.values.clone());
        cell.frozen = None;
        for &(at, builder) in &inner {
            let value = self.freeze_at(heap, builder, depth + 1);
            if let Some(place) = values.get_mut(at as usize) {
                *place = value;
            }
        }
        let entries = keys.into_iter().zip(values).filter(|(_, v)| !v.is_undefined());
        let value = heap.object(&mut entries.collect());
        if let Some(cell) = self.cell(builder) {
            cell.inner = inner;
            (cell.frozen, cell.frozen_at) = (Some(value), version);
        }
        value
    }
}

impl<'q> Cell<'q> {
    fn freeze_flat(&mut self, heap: Heap<'q>) -> Value<'q> {
        if let Some(value) = self.frozen {
            return value;
        }
        let value = match self.kind {
            Kind::Set => {
                self.index.slots.clear();
                heap.set(&mut self.items)
            }
            Kind::Object => {
                heap.object(&mut self.items.iter().copied().zip(self.values.iter().copied()).collect())
            }
            _ => heap.array(&self.items),
        };
        self.frozen = Some(value);
        value
    }
}

//! Results kept for the query.
//!
//! A generation is a time in which the documents do not change; `with` begins a new one and goes back to
//! the old one at its end. A slot remembers in which generation it was written, so nothing is ever cleared;
//! what an inner generation overwrote is put back when it ends.

use govc_value::Value;

/// Slots by function, without lifetimes: they outlive the query.
#[derive(Default)]
pub(crate) struct Slots {
    /// Generation that wrote the slot, and the position of the value.
    slots: Vec<(u64, u32)>,
    last_generation: u64,
}

/// The memo of one query.
pub(crate) struct Memo<'q> {
    slots: Slots,
    values: Vec<Value<'q>>,
    generation: u64,
    outer: Vec<Outer>,
    /// What inner generations overwrote: slot and its content.
    undo: Vec<(u32, (u64, u32))>,
}

struct Outer {
    generation: u64,
    undo: usize,
}

impl<'q> Memo<'q> {
    pub(crate) fn new(mut slots: Slots, values: Vec<Value<'q>>, count: usize) -> Self {
        if slots.slots.len() < count {
            slots.slots.resize(count, (0, 0));
        }
        slots.last_generation += 1;
        let generation = slots.last_generation;
        Self { slots, values, generation, outer: Vec::new(), undo: Vec::new() }
    }

    pub(crate) fn into_parts(self) -> (Slots, Vec<Value<'q>>) {
        (self.slots, self.values)
    }

    /// The result that is kept in a slot; it may be undefined.
    #[inline]
    pub(crate) fn get(&self, slot: u32) -> Option<Value<'q>> {
        let &(generation, at) = self.slots.slots.get(slot as usize)?;
        if generation != self.generation {
            return None;
        }
        self.values.get(at as usize).copied()
    }

    #[inline]
    pub(crate) fn set(&mut self, slot: u32, value: Value<'q>) {
        let Some(content) = self.slots.slots.get_mut(slot as usize) else { return };
        if !self.outer.is_empty() {
            self.undo.push((slot, *content));
        }
        *content = (self.generation, self.values.len() as u32);
        self.values.push(value);
    }

    pub(crate) fn push(&mut self) {
        self.outer.push(Outer { generation: self.generation, undo: self.undo.len() });
        self.slots.last_generation += 1;
        self.generation = self.slots.last_generation;
    }

    /// How many outer generations there are.
    pub(crate) fn depth(&self) -> u32 {
        // Lossless: `with` within `with` is bounded by the depth of calls and the size of the program.
        self.outer.len() as u32
    }

    /// Goes back to the generation at a depth.
    pub(crate) fn pop_to(&mut self, depth: u32) {
        while self.depth() > depth {
            self.pop();
        }
    }

    pub(crate) fn pop(&mut self) {
        let Some(outer) = self.outer.pop() else { return };
        while self.undo.len() > outer.undo
            && let Some((slot, content)) = self.undo.pop()
        {
            if let Some(place) = self.slots.slots.get_mut(slot as usize) {
                *place = content;
            }
        }
        self.generation = outer.generation;
    }
}

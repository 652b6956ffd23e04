//! Collections: made at once, or in builders.

use crate::builder::{Found, NONE};
use crate::error::{CONFLICT, Evaluated};
use crate::machine::Machine;
use crate::merge;
use govc_value::{Kind, Value};

/// Collections of more elements than this are gathered on the heap.
const INLINE: usize = 8;

impl<'q> Machine<'q, '_> {
    /// The values of registers, if all are defined.
    fn gather(&self, registers: &[u32]) -> Option<Vec<Value<'q>>> {
        registers.iter().map(|&r| Some(self.get(r)).filter(|v| !v.is_undefined())).collect()
    }

    pub(crate) fn new_array(&mut self, dst: u32, items: u32) -> bool {
        let list = self.list(items);
        let mut inline = [Value::UNDEFINED; INLINE];
        if let Some(slots) = inline.get_mut(..list.len()) {
            slots.iter_mut().zip(list).for_each(|(slot, &r)| *slot = self.get(r));
            let defined = slots.iter().all(|v| !v.is_undefined());
            let value = if defined { self.heap.array(slots) } else { Value::UNDEFINED };
            return self.put(dst, value);
        }
        let value = self.gather(list).map_or(Value::UNDEFINED, |items| self.heap.array(&items));
        self.put(dst, value)
    }

    pub(crate) fn new_set(&mut self, dst: u32, items: u32) -> bool {
        let items = self.gather(self.list(items));
        let value = items.map_or(Value::UNDEFINED, |mut items| self.heap.set(&mut items));
        self.put(dst, value)
    }

    pub(crate) fn new_object(&mut self, dst: u32, keys: u32, values: u32) -> bool {
        let mut pairs = std::mem::take(&mut self.pairs);
        pairs.clear();
        let entries = self.list(keys).iter().zip(self.list(values));
        pairs.extend(entries.map(|(&key, &value)| (self.image.literal(key), self.get(value))));
        let defined = pairs.iter().all(|(_, value)| !value.is_undefined());
        let value = if defined { self.heap.object(&mut pairs) } else { Value::UNDEFINED };
        self.pairs = pairs;
        self.put(dst, value)
    }

    #[inline]
    fn builder_of(&self, register: u32) -> u32 {
        self.builder_registers[self.builder_base + register as usize]
    }

    #[inline]
    fn set_builder(&mut self, register: u32, builder: u32) {
        self.builder_registers[self.builder_base + register as usize] = builder;
    }

    /// Begins a collection. Its value register gets an empty one, which has the right type.
    pub(crate) fn make(&mut self, register: u32, dst: u32, kind: Kind) {
        let builder = self.builders.make(self.builder_of(register), kind);
        self.set_builder(register, builder);
        self.set(dst, self.image.empty(kind));
    }

    pub(crate) fn unbuild(&mut self, register: u32) {
        self.set_builder(register, NONE);
    }

    pub(crate) fn alias(&mut self, register: u32, from: u32) {
        let builder = self.builder_of(from);
        self.builders.share(builder);
        self.set_builder(register, builder);
    }

    pub(crate) fn thaw(&mut self, register: u32, src: u32) {
        if self.builder_of(register) == NONE {
            let builder = self.builders.thaw(self.get(src));
            self.set_builder(register, builder);
        }
    }

    pub(crate) fn append(&mut self, register: u32, value: u32) -> bool {
        let value = self.get(value);
        !value.is_undefined() && self.builders.append(self.builder_of(register), value)
    }

    pub(crate) fn set_add(&mut self, register: u32, value: u32) -> bool {
        let value = self.get(value);
        !value.is_undefined() && self.builders.add(self.builder_of(register), value)
    }

    pub(crate) fn insert(&mut self, register: u32, key: u32, value: u32) -> bool {
        let (key, value) = (self.get(key), self.get(value));
        let defined = !key.is_undefined() && !value.is_undefined();
        defined && self.builders.insert(self.builder_of(register), key, value, NONE)
    }

    pub(crate) fn insert_once(&mut self, at: u32, register: u32, key: u32, value: u32) -> Evaluated<bool> {
        let (k, v) = (self.get(key), self.get(value));
        if !k.is_undefined() && !v.is_undefined() {
            let old = self.element(register, k);
            if old == v {
                return Ok(true);
            }
            if !old.is_undefined() {
                return Err(self.error_at(at, CONFLICT, "object keys must be unique"));
            }
        }
        Ok(self.insert(register, key, value))
    }

    pub(crate) fn insert_builder(&mut self, register: u32, key: u32, inner: u32, value: u32) -> bool {
        let (key, value, inner) = (self.get(key), self.get(value), self.builder_of(inner));
        let defined = !key.is_undefined() && !value.is_undefined();
        defined && self.builders.insert(self.builder_of(register), key, value, inner)
    }

    /// The element of a collection that is being made, as a value.
    fn element(&mut self, register: u32, key: Value<'q>) -> Value<'q> {
        match self.builders.find(self.builder_of(register), key) {
            Found::Value(value) => value,
            Found::Builder(inner) => self.builders.freeze(self.heap, inner),
            Found::Nothing => Value::UNDEFINED,
        }
    }

    pub(crate) fn dot_frozen(&mut self, register: u32, key: u32, dst: u32) -> bool {
        let value = self.element(register, self.get(key));
        self.put(dst, value)
    }

    /// Finds an element that will be changed: a finished one becomes a builder inside its object.
    pub(crate) fn dot_builder(&mut self, register: u32, key: u32, inner: u32, dst: u32) -> bool {
        let (outer, key) = (self.builder_of(register), self.get(key));
        let (builder, value) = match self.builders.find(outer, key) {
            Found::Nothing => (NONE, Value::UNDEFINED),
            Found::Builder(builder) => (builder, self.image.empty(self.builders.kind(builder))),
            Found::Value(value) => {
                let builder = self.builders.thaw(value);
                if builder != NONE {
                    self.builders.insert(outer, key, value, builder);
                }
                (builder, value)
            }
        };
        self.set_builder(inner, builder);
        self.put(dst, value)
    }

    pub(crate) fn freeze(&mut self, dst: u32, register: u32) {
        let builder = self.builder_of(register);
        if builder != NONE {
            let value = self.builders.freeze(self.heap, builder);
            self.set(dst, value);
        }
    }

    pub(crate) fn merge(&mut self, dst: u32, a: u32, b: u32) -> bool {
        let value = merge::merge(self.heap, self.get(a), self.get(b));
        self.put(dst, value)
    }

    pub(crate) fn upsert(&mut self, dst: u32, src: u32, path: u32, value: u32) -> bool {
        let (Some(path), value) = (self.gather(self.list(path)), self.get(value)) else { return false };
        if value.is_undefined() {
            return false;
        }
        let document = merge::upsert(self.heap, self.get(src), &path, value);
        self.put(dst, document)
    }
}

//! Moves, look-ups and iterations.

use crate::machine::Machine;
use govc_value::Value;

impl<'q> Machine<'q, '_> {
    #[inline]
    pub(crate) fn mov(&mut self, dst: u32, src: u32) -> bool {
        self.put(dst, self.get(src))
    }

    #[inline]
    pub(crate) fn load(&mut self, dst: u32, lit: u32) {
        self.set(dst, self.image.literal(lit));
    }

    #[inline]
    pub(crate) fn dot(&mut self, dst: u32, src: u32, key: u32) -> bool {
        self.put(dst, self.get(src).get(self.get(key)))
    }

    #[inline]
    pub(crate) fn dot_data(&mut self, dst: u32, src: u32, key: u32) -> bool {
        self.dot(dst, src, key) || self.dot_number(dst, src, key)
    }

    /// Base documents are stored by paths of texts: an integer finds the key that is its text.
    #[cold]
    fn dot_number(&mut self, dst: u32, src: u32, key: u32) -> bool {
        let (source, key) = (self.get(src), self.get(key));
        match (source.as_object(), key.as_int()) {
            (Some(object), Some(i)) => self.put(dst, object.get(self.heap.string(&i.to_string()))),
            _ => false,
        }
    }

    /// Strings of a program have symbols, so this compares no text. It looks first where the key was in
    /// the last object: most objects that meet an instruction have the same keys.
    #[inline(always)]
    fn field(&mut self, value: Value<'q>, key: u32) -> Value<'q> {
        let name = self.image.literal(key);
        match (value.as_object(), name.symbol(), self.key_hints.get_mut(key as usize)) {
            (Some(object), Some(symbol), Some(hint)) => object.get_symbol_hinted(symbol, hint),
            _ => value.get(name),
        }
    }

    #[inline]
    pub(crate) fn dot_str(&mut self, dst: u32, src: u32, key: u32) -> bool {
        let value = self.field(self.get(src), key);
        self.put(dst, value)
    }

    /// The value at the end of a path.
    #[inline]
    pub(crate) fn walk(&mut self, src: u32, keys: u32) -> Value<'q> {
        let mut at = self.get(src);
        for &key in self.list(keys) {
            at = self.field(at, key);
        }
        at
    }

    #[inline]
    pub(crate) fn path(&mut self, dst: u32, src: u32, keys: u32) -> bool {
        let value = self.walk(src, keys);
        self.put(dst, value)
    }

    #[inline]
    pub(crate) fn path_equal(&mut self, src: u32, keys: u32, lit: u32) -> bool {
        let value = self.walk(src, keys);
        !value.is_undefined() && value == self.image.literal(lit)
    }

    pub(crate) fn len(&mut self, dst: u32, src: u32) -> bool {
        let value = self.get(src);
        let length = match value.as_str() {
            Some(text) => text.chars().count(),
            None if value.is_collection() => value.len(),
            None => return self.put(dst, Value::UNDEFINED),
        };
        self.put(dst, Value::int(length as i64))
    }

    /// The state of an iteration: the collection, and the position as an integer.
    #[inline]
    pub(crate) fn scan_init(&mut self, state: u32, src: u32) -> bool {
        let value = self.get(src);
        self.set(state, value);
        self.set(state + 1, Value::int(0));
        value.is_collection()
    }

    #[inline]
    fn advance(&mut self, state: u32) -> Option<(Value<'q>, Value<'q>)> {
        let position = self.get(state + 1).as_int()?;
        let entry = self.get(state).entry(usize::try_from(position).ok()?)?;
        self.set(state + 1, Value::int(position + 1));
        Some(entry)
    }

    #[inline]
    pub(crate) fn scan_next(&mut self, state: u32, key: u32, value: u32) -> bool {
        let Some((k, v)) = self.advance(state) else { return false };
        self.set(key, k);
        self.set(value, v);
        true
    }

    #[inline]
    pub(crate) fn scan_value(&mut self, state: u32, value: u32) -> bool {
        let Some((_, v)) = self.advance(state) else { return false };
        self.set(value, v);
        true
    }
}

//! Tests and comparisons. A comparison with an undefined side is undefined.

use crate::machine::Machine;
use govc_value::{Kind, Number, Value};
use std::cmp::Ordering;

impl<'q> Machine<'q, '_> {
    #[inline]
    pub(crate) fn is_kind(&self, src: u32, kind: Kind) -> bool {
        self.get(src).kind() == kind
    }

    /// Both values, if both are defined.
    #[inline]
    fn both(&self, a: u32, b: u32) -> Option<(Value<'q>, Value<'q>)> {
        let (a, b) = (self.get(a), self.get(b));
        (!a.is_undefined() && !b.is_undefined()).then_some((a, b))
    }

    #[inline]
    pub(crate) fn equal(&self, a: u32, b: u32) -> Option<bool> {
        self.both(a, b).map(|(a, b)| a == b)
    }

    #[inline]
    pub(crate) fn equal_lit(&self, a: u32, lit: u32) -> Option<bool> {
        let a = self.get(a);
        (!a.is_undefined()).then(|| a == self.image.literal(lit))
    }

    #[inline]
    pub(crate) fn compare(&self, a: u32, b: u32) -> Option<Ordering> {
        let (a, b) = self.both(a, b)?;
        match (a.as_number(), b.as_number()) {
            (Some(Number::Int(a)), Some(Number::Int(b))) => Some(a.cmp(&b)),
            // Finite, so there is an order.
            (Some(Number::Float(a)), Some(Number::Float(b))) => a.partial_cmp(&b),
            _ => Some(a.cmp(&b)),
        }
    }

    pub(crate) fn member(&self, a: u32, b: u32) -> Option<bool> {
        self.both(a, b).map(|(element, collection)| crate::native::member(element, collection))
    }

    /// Writes the answer of a comparison; whether there is one.
    #[inline]
    pub(crate) fn answer(&mut self, dst: u32, answer: Option<bool>) -> bool {
        self.put(dst, answer.map_or(Value::UNDEFINED, Value::bool))
    }
}

//! Unification of terms whose variables belong to two lists of bindings.

use crate::bindings::{self, Shared};
use crate::error::{Flow, Then};
use crate::frame::Frame;
use crate::term::*;
use std::rc::Rc;

impl<'q> Frame<'_, 'q> {
    /// Unifies two terms of this query.
    pub(crate) fn unify(&self, a: &Term<'q>, b: &Term<'q>, then: &mut Then<'_>) -> Flow {
        self.unify_in(a, b, &self.bindings, &self.bindings, then)
    }

    /// Unifies `a` of the first bindings with `b` of the second.
    pub(crate) fn unify_in(
        &self,
        a: &Term<'q>,
        b: &Term<'q>,
        b1: &Shared<'q>,
        b2: &Shared<'q>,
        then: &mut Then<'_>,
    ) -> Flow {
        let (a, b1) = bindings::apply(b1, a);
        let (b, b2) = bindings::apply(b2, b);
        self.trace_unify(&a, &b);
        if let (Node::Value(x), Node::Value(y)) = (&a.node, &b.node)
            && (!self.m.is_traced() || !x.is_collection() || !y.is_collection() || a.is_set() || b.is_set())
        {
            return if x == y { then() } else { Ok(()) };
        }
        let evaluated = |t: &Term<'q>| matches!(t.node, Node::Var(_) | Node::Ref(_) | Node::Comprehension(_));
        if evaluated(&a) || evaluated(&b) || a.is_set() || b.is_set() {
            return self.unify_values(&a, &b, &b1, &b2, then);
        }
        if let (Some(x), Some(y)) = (a.array_items(), b.array_items()) {
            return if x.len() == y.len() { self.unify_all(&x, &y, &b1, &b2, then) } else { Ok(()) };
        }
        if let (Some(x), Some(y)) = (a.object_pairs(), b.object_pairs()) {
            return self.unify_objects(x, y, &b1, &b2, then);
        }
        Ok(())
    }

    /// Unifies terms one by one.
    pub(crate) fn unify_all(
        &self,
        a: &[Term<'q>],
        b: &[Term<'q>],
        b1: &Shared<'q>,
        b2: &Shared<'q>,
        then: &mut Then<'_>,
    ) -> Flow {
        match (a.split_first(), b.split_first()) {
            (Some((x, a)), Some((y, b))) => {
                self.unify_in(x, y, b1, b2, &mut || self.unify_all(a, b, b1, b2, then))
            }
            (None, None) => then(),
            _ => Ok(()),
        }
    }

    fn unify_objects(
        &self,
        a: Vec<(Term<'q>, Term<'q>)>,
        b: Vec<(Term<'q>, Term<'q>)>,
        b1: &Shared<'q>,
        b2: &Shared<'q>,
        then: &mut Then<'_>,
    ) -> Flow {
        if a.len() != b.len() {
            return Ok(());
        }
        let (a, b) = (self.plug_keys(a, b1), self.plug_keys(b, b2));
        let mut values = (Vec::new(), Vec::new());
        for (key, value) in a {
            let Some((_, other)) = b.iter().find(|(k, _)| *k == key) else { break };
            values.0.push(value);
            values.1.push(other.clone());
        }
        if values.0.len() < b.len() {
            return Ok(());
        }
        self.unify_all(&values.0, &values.1, b1, b2, then)
    }

    fn plug_keys(&self, pairs: Vec<(Term<'q>, Term<'q>)>, b: &Shared<'q>) -> Vec<(Term<'q>, Term<'q>)> {
        if pairs.iter().all(|(k, _)| k.is_ground()) {
            return pairs;
        }
        let mut plugged: Vec<_> =
            pairs.into_iter().map(|(k, v)| (bindings::plug(self.m.heap, b, &k), v)).collect();
        plugged.sort_by(|(a, _), (b, _)| a.cmp(b));
        plugged
    }

    fn unify_values(
        &self,
        a: &Term<'q>,
        b: &Term<'q>,
        b1: &Shared<'q>,
        b2: &Shared<'q>,
        then: &mut Then<'_>,
    ) -> Flow {
        let save_a = self.must_save(a, b1);
        if !save_a && a.as_ref_parts().is_some() {
            return self.unify_ref(a, b, b1, b2, then);
        }
        let save_b = self.must_save(b, b2);
        if !save_b && b.as_ref_parts().is_some() {
            return self.unify_ref(b, a, b2, b1, then);
        }
        if save_a || save_b {
            return self.save_unify(a.clone(), b.clone(), b1, b2, then);
        }
        if a.is_comprehension() {
            return self.unify_comprehension(a, b, b1, b2, false, then);
        }
        if b.is_comprehension() {
            return self.unify_comprehension(b, a, b2, b1, true, then);
        }
        if a.as_var().is_some() {
            if Rc::ptr_eq(b1, b2) && a == b {
                return then();
            }
            let _undo = bindings::bind(b1, a, b.clone(), b2);
            return then();
        }
        if b.as_var().is_some() {
            let _undo = bindings::bind(b2, b, a.clone(), b1);
            return then();
        }
        let heap = self.m.heap;
        let equal = match a.is_set() {
            true => bindings::plug(heap, b1, a) == bindings::plug(heap, b2, b),
            false => a == b,
        };
        if equal { then() } else { Ok(()) }
    }

    fn must_save(&self, t: &Term<'q>, b: &Shared<'q>) -> bool {
        match t.is_set() {
            true => self.holds_saved(t, b),
            false => self.is_saved(t, b),
        }
    }

    fn unify_comprehension(
        &self,
        a: &Term<'q>,
        b: &Term<'q>,
        b1: &Shared<'q>,
        b2: &Shared<'q>,
        swap: bool,
        then: &mut Then<'_>,
    ) -> Flow {
        let Node::Comprehension(c) = &a.node else { return Ok(()) };
        if self.is_unknown_in(a, b1) {
            let a = self.closed_comprehension(a, b1);
            let b = if b.is_comprehension() { self.closed_comprehension(b, b2) } else { b.clone() };
            return match swap {
                false => self.save_unify(a, b, b1, b2, then),
                true => self.save_unify(b, a, b2, b1, then),
            };
        }
        let value = self.comprehension(c)?;
        self.unify_in(&value, b, b1, b2, then)
    }
}

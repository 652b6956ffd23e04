//! References: through base documents, the tree of rules, and values.

use crate::bindings::{self, Shared};
use crate::error::{Deferred, Flow, Stop, Then};
use crate::frame::Frame;
use crate::index::Resolved;
use crate::term::*;
use crate::trace::Op;
use crate::tree::NodeId;
use govc_value::Value;
use std::rc::Rc;

/// A reference and the term that its values are unified with.
#[derive(Clone)]
pub(crate) struct Walk<'q> {
    pub(crate) parts: Rc<[Term<'q>]>,
    pub(crate) bindings: Shared<'q>,
    pub(crate) result: Term<'q>,
    pub(crate) result_bindings: Shared<'q>,
}

impl<'m, 'q> Frame<'m, 'q> {
    pub(crate) fn unify_ref(
        &self,
        a: &Term<'q>,
        b: &Term<'q>,
        b1: &Shared<'q>,
        b2: &Shared<'q>,
        then: &mut Then<'_>,
    ) -> Flow {
        let Some(parts) = a.as_ref_parts() else { return Ok(()) };
        let walk = Walk {
            parts: parts.clone(),
            bindings: b1.clone(),
            result: b.clone(),
            result_bindings: b2.clone(),
        };
        let Some(head) = parts.first() else { return Ok(()) };
        match head.as_var().map(|n| &**n) {
            Some("data") => {
                let root = self.m.tree.root();
                self.walk_tree(&walk, 1, parts, Some(root), then)
            }
            Some("input") => match &self.input {
                Some(input) => self.walk_term(&walk, 1, input, b1, then),
                None => Ok(()),
            },
            _ => {
                let (term, of) = bindings::apply(b1, head);
                match term.as_var() {
                    Some(name) if Some(name) == head.as_var() => Ok(()),
                    _ => self.walk_term(&walk, 1, &term, &of, then),
                }
            }
        }
    }

    /// Goes on through the tree of rules, and base documents beside it.
    pub(crate) fn walk_tree(
        &self,
        walk: &Walk<'q>,
        pos: usize,
        plugged: &[Term<'q>],
        node: Option<NodeId>,
        then: &mut Then<'_>,
    ) -> Flow {
        let Some(part) = walk.parts.get(pos) else { return self.finish_tree(walk, plugged, node, then) };
        let key = bindings::plug(self.m.heap, &walk.bindings, part);
        match key.is_ground() {
            true => self.next_in_tree(walk, pos, plugged, node, key, then),
            false => self.enumerate_tree(walk, pos, plugged, node, then),
        }
    }

    fn finish_tree(
        &self,
        walk: &Walk<'q>,
        plugged: &[Term<'q>],
        node: Option<NodeId>,
        then: &mut Then<'_>,
    ) -> Flow {
        let reference = Term::reference(plugged.to_vec());
        if self.m.is_partial() && self.is_unknown(&reference) {
            return self.save_unify(
                reference,
                walk.result.clone(),
                &walk.bindings,
                &walk.result_bindings,
                then,
            );
        }
        match self.extent(plugged, node)? {
            Some(value) => self.unify_in(&walk.result, &value, &walk.result_bindings, &walk.bindings, then),
            None => Ok(()),
        }
    }

    fn next_in_tree(
        &self,
        walk: &Walk<'q>,
        pos: usize,
        plugged: &[Term<'q>],
        node: Option<NodeId>,
        key: Term<'q>,
        then: &mut Then<'_>,
    ) -> Flow {
        let mut plugged = plugged.to_vec();
        plugged[pos] = key.clone();
        let mut child = None;
        if !self.m.is_replaced(&plugged[..=pos])
            && let Some(node) = node
        {
            child = key.as_value().and_then(|key| self.m.tree.child(node, &key));
            if let Some(child) = child
                && !self.m.tree.rules(child).is_empty()
            {
                return self.walk_rules(walk, pos, &plugged, child, then);
            }
        }
        self.walk_tree(walk, pos + 1, &plugged, child, then)
    }

    fn enumerate_tree(
        &self,
        walk: &Walk<'q>,
        pos: usize,
        plugged: &[Term<'q>],
        node: Option<NodeId>,
        then: &mut Then<'_>,
    ) -> Flow {
        let prefix = &plugged[..pos];
        let save = |then: &mut Then<'_>| {
            let reference = Term::reference(plugged.to_vec());
            self.save_unify(reference, walk.result.clone(), &walk.bindings, &walk.result_bindings, then)
        };
        if self.is_disabled(prefix, true) {
            return save(then);
        }
        let document = match self.resolve(prefix)? {
            Resolved::Unknown => return save(then),
            Resolved::Undefined => None,
            Resolved::Value(value) => Some(value),
        };
        let keys = document.as_ref().map(keys_of).unwrap_or_default();
        let mut deferred = Deferred::default();
        for key in &keys {
            let flow = self.unify_in(key, &walk.parts[pos], &walk.bindings, &walk.bindings, &mut || {
                self.next_in_tree(walk, pos, plugged, node, key.clone(), then)
            });
            deferred.take(flow, true)?;
        }
        deferred.end()?;
        let Some(at) = node else { return Ok(()) };
        for (key, _) in self.m.tree.children(at) {
            let key = Term::value(*key);
            if keys.contains(&key) {
                continue;
            }
            self.unify_in(&key, &walk.parts[pos], &walk.bindings, &walk.bindings, &mut || {
                self.next_in_tree(walk, pos, plugged, node, key.clone(), then)
            })?;
        }
        Ok(())
    }

    /// Base and virtual documents at a reference, put together.
    fn extent(&self, plugged: &[Term<'q>], node: Option<NodeId>) -> Result<Option<Term<'q>>, Stop> {
        let base = match self.resolve(plugged)? {
            Resolved::Value(value) => Some(value),
            _ => None,
        };
        let Some(node) = node else { return Ok(base) };
        let virtuals = self.leaves(plugged, node)?;
        Ok(Some(match base {
            Some(base) => merge(self.m.heap, &base, &virtuals),
            None => virtuals,
        }))
    }

    fn leaves(&self, plugged: &[Term<'q>], node: NodeId) -> Result<Term<'q>, Stop> {
        let mut pairs = Vec::new();
        for &(key, child) in self.m.tree.children(node) {
            if self.m.tree.is_hidden(child) {
                continue;
            }
            let mut path = plugged.to_vec();
            path.push(Term::value(key));
            if self.m.tree.rules(child).is_empty() {
                pairs.push((Term::value(key), self.leaves(&path, child)?));
                continue;
            }
            let leaf = self.generated_var("leaf");
            let mut found = None;
            self.unify(&Term::reference(path), &leaf, &mut || {
                found = Some(self.plug(&leaf));
                Ok(())
            })?;
            pairs.extend(found.map(|value| (Term::value(key), value)));
        }
        Ok(Term::new(object(self.m.heap, pairs)))
    }

    /// The base document at a reference, with what `with` put there.
    pub(crate) fn resolve(&self, parts: &[Term<'q>]) -> Result<Resolved<'q>, Stop> {
        let Some(head) = parts.first().and_then(Term::as_var) else { return Ok(Resolved::Undefined) };
        if self.is_disabled(parts, true) || self.is_saved_ref(parts) {
            return Ok(Resolved::Unknown);
        }
        let found = match &**head {
            "input" => self.input.as_ref().and_then(|input| find(input, &parts[1..])),
            "data" => self.resolve_data(parts),
            _ => None,
        };
        Ok(found.map_or(Resolved::Undefined, Resolved::Value))
    }

    fn resolve_data(&self, parts: &[Term<'q>]) -> Option<Term<'q>> {
        let replaced = self.data.as_ref().and_then(|data| find(data, &parts[1..]));
        if self.m.is_replaced(parts) {
            return replaced;
        }
        let real = self.base(&parts[1..]);
        match (replaced, real) {
            (Some(replaced), Some(real)) => Some(merge(self.m.heap, &replaced, &real)),
            (replaced, real) => replaced.or(real),
        }
    }

    fn base(&self, path: &[Term<'q>]) -> Option<Term<'q>> {
        if path.iter().any(|t| !t.is_scalar()) {
            return None;
        }
        let step = |at: Value<'q>, key: Value<'q>| match key.as_number() {
            // Paths of the store are texts.
            Some(number) if at.as_object().is_some() => at.get(self.m.heap.string(&number.to_string())),
            _ => at.get(key),
        };
        let found = path.iter().filter_map(Term::as_value).fold(self.m.base, step);
        if path.is_empty()
            && let Some(root) = found.as_object()
            && !root.get_str("system").is_undefined()
        {
            let mut pairs: Vec<_> = root.iter().filter(|(k, _)| k.as_str() != Some("system")).collect();
            return Some(Term::value(self.m.heap.object(&mut pairs)));
        }
        (!found.is_undefined()).then(|| Term::value(found))
    }

    /// Goes on through a value.
    pub(crate) fn walk_term(
        &self,
        walk: &Walk<'q>,
        pos: usize,
        term: &Term<'q>,
        of: &Shared<'q>,
        then: &mut Then<'_>,
    ) -> Flow {
        let Some(part) = walk.parts.get(pos) else {
            return self.unify_in(term, &walk.result, of, &walk.result_bindings, then);
        };
        if self.is_saved(term, of) {
            return self.save_walk(walk, pos, term, of, then);
        }
        let key = bindings::plug(self.m.heap, &walk.bindings, part);
        match key.is_ground() {
            true => self.next_in_term(walk, pos, term, of, &key, then),
            false => self.enumerate_term(walk, pos, term, of, then),
        }
    }

    fn next_in_term(
        &self,
        walk: &Walk<'q>,
        pos: usize,
        term: &Term<'q>,
        of: &Shared<'q>,
        key: &Term<'q>,
        then: &mut Then<'_>,
    ) -> Flow {
        match self.get(term, of, key) {
            Some(found) => {
                let (found, of) = bindings::apply(of, &found);
                self.walk_term(walk, pos + 1, &found, &of, then)
            }
            None => Ok(()),
        }
    }

    fn enumerate_term(
        &self,
        walk: &Walk<'q>,
        pos: usize,
        term: &Term<'q>,
        of: &Shared<'q>,
        then: &mut Then<'_>,
    ) -> Flow {
        let part = &walk.parts[pos];
        let mut deferred = Deferred::default();
        let keys = keys_of(term);
        if term.array_items().is_some() {
            if part.as_var().is_none() {
                return Ok(());
            }
            for key in &keys {
                self.trace_unify(key, part);
                let (var, owner) = bindings::apply(&walk.bindings, part);
                let _undo = bindings::bind(&owner, &var, key.clone(), &walk.bindings);
                deferred.take(self.next_in_term(walk, pos, term, of, key, then), false)?;
            }
            return deferred.end();
        }
        for key in &keys {
            let flow = self.unify_in(key, part, of, &walk.bindings, &mut || {
                let key = bindings::plug(self.m.heap, of, key);
                self.next_in_term(walk, pos, term, of, &key, then)
            });
            deferred.take(flow, false)?;
        }
        deferred.end()
    }

    fn get(&self, term: &Term<'q>, of: &Shared<'q>, key: &Term<'q>) -> Option<Term<'q>> {
        let plugged = |t: &Term<'q>| bindings::plug(self.m.heap, of, t) == *key;
        match &term.node {
            Node::Value(v) => {
                let found = v.get(key.as_value()?);
                (!found.is_undefined()).then(|| Term::value(found))
            }
            Node::Array(items) => {
                let at = usize::try_from(key.as_value()?.as_int()?).ok()?;
                items.get(at).cloned()
            }
            Node::Object(pairs) => pairs.iter().find(|(k, _)| plugged(k)).map(|(_, v)| v.clone()),
            Node::Set(items) => items.iter().any(plugged).then(|| key.clone()),
            _ => None,
        }
    }

    pub(crate) fn trace_index(&self, parts: &[Term<'q>], found: &crate::index::Found<'q>) {
        if self.m.is_traced()
            && let Some(expr) = self.expr()
        {
            let count = found.rules.len();
            let rules = if count == 1 { "rule" } else { "rules" };
            let early = if found.early_exit { ", early exit" } else { "" };
            let message = format!("(matched {count} {rules}{early})");
            self.trace_with(Op::Index, &crate::trace::TraceNode::Expr(expr), message, Some(parts.to_vec()));
        }
    }
}

/// The keys of a collection: positions, keys, or elements.
pub(crate) fn keys_of<'q>(t: &Term<'q>) -> Vec<Term<'q>> {
    if let Some(items) = t.array_items() {
        return (0..items.len() as i64).map(|i| Term::value(Value::int(i))).collect();
    }
    if let Some(pairs) = t.object_pairs() {
        return pairs.into_iter().map(|(k, _)| k).collect();
    }
    t.set_items().unwrap_or_default()
}

/// What lies at a path in a term.
pub(crate) fn find<'q>(t: &Term<'q>, path: &[Term<'q>]) -> Option<Term<'q>> {
    let Some((key, rest)) = path.split_first() else { return Some(t.clone()) };
    let next = match &t.node {
        Node::Value(v) => {
            let found = v.get(key.as_value()?);
            (!found.is_undefined()).then(|| Term::value(found))?
        }
        Node::Array(items) => items.get(usize::try_from(key.as_value()?.as_int()?).ok()?)?.clone(),
        Node::Object(pairs) => pairs.iter().find(|(k, _)| k == key)?.1.clone(),
        Node::Set(items) => items.iter().find(|i| *i == key)?.clone(),
        _ => return None,
    };
    find(&next, rest)
}

/// Merges objects recursively; elsewhere the first wins.
pub(crate) fn merge<'q>(heap: govc_value::Heap<'q>, a: &Term<'q>, b: &Term<'q>) -> Term<'q> {
    let (Some(left), Some(right)) = (a.object_pairs(), b.object_pairs()) else { return a.clone() };
    let mut pairs = Vec::with_capacity(left.len() + right.len());
    for (key, value) in &left {
        let value = match right.binary_search_by(|(k, _)| k.cmp(key)) {
            Ok(at) => merge(heap, value, &right[at].1),
            Err(_) => value.clone(),
        };
        pairs.push((key.clone(), value));
    }
    pairs.extend(right.into_iter().filter(|(k, _)| left.binary_search_by(|(l, _)| l.cmp(k)).is_err()));
    Term::new(object(heap, pairs))
}

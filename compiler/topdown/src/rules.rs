//! Virtual documents: complete ones, and sets and objects made of many rules.

use crate::bindings::{self, Shared};
use crate::error::{Flow, Stop, Then, suppress};
use crate::frame::Frame;
use crate::index::{Found, Resolved};
use crate::memo::Key;
use crate::operations::{CACHE_HIT, CACHE_MISS, RULE_INDEX};
use crate::refs::Walk;
use crate::term::*;
use crate::trace::{Op, TraceNode};
use crate::tree::NodeId;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// A reference that has come to rules.
pub(crate) struct Virtual<'a, 'q> {
    pub(crate) walk: &'a Walk<'q>,
    /// The part of the reference that names the rules.
    pub(crate) pos: usize,
    pub(crate) plugged: &'a [Term<'q>],
    pub(crate) found: Found<'q>,
}

/// A document in the making.
#[derive(Debug)]
pub(crate) enum Growing<'q> {
    Set(BTreeSet<Term<'q>>),
    Object(BTreeMap<Term<'q>, Growing<'q>>),
    Leaf(Term<'q>),
}

impl<'q> Growing<'q> {
    fn finish(self, heap: govc_value::Heap<'q>) -> Term<'q> {
        match self {
            Self::Leaf(t) => t,
            Self::Set(items) => Term::new(set(heap, items.into_iter().collect())),
            Self::Object(pairs) => {
                let pairs = pairs.into_iter().map(|(k, v)| (k, v.finish(heap))).collect();
                Term::new(object(heap, pairs))
            }
        }
    }
}

/// What evaluating the rules of a set or object has given so far.
struct Reduction<'q> {
    result: Growing<'q>,
    visited: Vec<Vec<Term<'q>>>,
}

impl<'q> Virtual<'_, 'q> {
    fn empty(&self) -> Growing<'q> {
        match self.found.multi && self.found.only_ground {
            true => Growing::Set(BTreeSet::new()),
            false => Growing::Object(BTreeMap::new()),
        }
    }

    /// The part of the reference that names the rules, as written.
    pub(crate) fn named(&self) -> &[Term<'q>] {
        &self.walk.parts[..=self.pos]
    }

    pub(crate) fn plugged_name(&self) -> &[Term<'q>] {
        &self.plugged[..=self.pos]
    }
}

impl<'m, 'q> Frame<'m, 'q> {
    /// The rules of a node that can match.
    pub(crate) fn rules_at(
        &self,
        node: NodeId,
        parts: &[Term<'q>],
        args: Option<&[Term<'q>]>,
    ) -> Result<Option<Found<'q>>, Stop> {
        let Some(index) = self.m.tree.index(node) else { return Ok(None) };
        let mut resolve = |reference: &[Term<'q>]| match reference.first().and_then(Term::as_var) {
            Some(name) if &**name == crate::index::ARGS => Ok(self.resolve_argument(reference, args)),
            _ => self.resolve(reference),
        };
        let mut found = match self.m.indexing {
            true => self.m.timed(RULE_INDEX, || index.look_up(&mut resolve))?,
            false => index.all(),
        };
        found.early_exit &= self.m.early_exit;
        self.trace_index(parts, &found);
        Ok(Some(found))
    }

    fn resolve_argument(&self, reference: &[Term<'q>], args: Option<&[Term<'q>]>) -> Resolved<'q> {
        let at = reference.get(1).and_then(Term::as_value).and_then(|v| v.as_int());
        let at = at.and_then(|at| usize::try_from(at).ok());
        match args.and_then(|args| args.get(at?)) {
            Some(arg) => Resolved::Value(self.plug_for_caller(arg)),
            None => Resolved::Unknown,
        }
    }

    /// Goes on through the rules of a node.
    pub(crate) fn walk_rules(
        &self,
        walk: &Walk<'q>,
        pos: usize,
        plugged: &[Term<'q>],
        node: NodeId,
        then: &mut Then<'_>,
    ) -> Flow {
        let Some(found) = self.rules_at(node, &plugged[..=pos], None)? else { return Ok(()) };
        if found.is_ordered() && self.is_unknown_parts(&walk.parts, &walk.bindings) {
            return self.save_unify(
                Term::reference(walk.parts.clone()),
                walk.result.clone(),
                &walk.bindings,
                &walk.result_bindings,
                then,
            );
        }
        let v = Virtual { walk, pos, plugged, found };
        match !v.found.multi && v.found.only_ground {
            true => self.complete(&v, then),
            false => self.partial_document(&v, then),
        }
    }

    fn complete(&self, v: &Virtual<'_, 'q>, then: &mut Then<'_>) -> Flow {
        if v.found.first().is_none_or(|rule| rule.arity() > 0) {
            return Ok(());
        }
        if !self.m.is_partial() || !self.is_unknown_parts(&v.walk.parts, &v.walk.bindings) {
            return self.complete_value(v, then);
        }
        self.complete_partially(v, then)
    }

    fn complete_value(&self, v: &Virtual<'_, 'q>, then: &mut Then<'_>) -> Flow {
        let key = Key::plain(v.plugged_name());
        if let Some(known) = self.recall(&key) {
            return match known {
                Some(value) => self.walk_term(v.walk, v.pos + 1, &value, &v.walk.bindings, then),
                None => Ok(()),
            };
        }
        suppress(self.complete_rules(v, &key, then))
    }

    fn complete_rules(&self, v: &Virtual<'_, 'q>, key: &Key<'q>, then: &mut Then<'_>) -> Flow {
        let (known, deferred) =
            v.found.known_value(|rule, known| self.complete_rule(v, key, rule, known, then))?;
        if let Some(rule) = v.found.default.as_ref().filter(|_| known.is_none()) {
            return self.complete_rule(v, key, rule, None, then).0;
        }
        if known.is_none() {
            self.remember(key.clone(), None);
        }
        deferred.end()
    }

    fn complete_rule(
        &self,
        v: &Virtual<'_, 'q>,
        key: &Key<'q>,
        rule: &Rc<Rule<'q>>,
        mut known: Option<Term<'q>>,
        then: &mut Then<'_>,
    ) -> (Flow, Option<Term<'q>>) {
        let mut child = self.child(rule.body.clone());
        child.find_one = v.found.early_exit;
        let node = TraceNode::Rule(rule.clone());
        child.trace(Op::Enter, &node);
        let mut found = None;
        let head = rule.result();
        let flow = child.eval(&mut || {
            child.trace(Op::Exit, &node);
            let value = child.plug(&head);
            found = Some(value.clone());
            if let Some(known) = &known {
                if *known != value {
                    let text = "complete rules must not produce multiple outputs";
                    return Err(Stop::conflict(text, rule.at));
                }
                child.trace(Op::Redo, &node);
                return Ok(());
            }
            known = Some(value.clone());
            self.remember(key.clone(), Some(value));
            let (term, of) = bindings::apply(&child.bindings, &head);
            self.walk_term(v.walk, v.pos + 1, &term, &of, then)?;
            child.trace(Op::Redo, &node);
            Ok(())
        });
        (flow, found)
    }

    /// What a key has given before; counted.
    pub(crate) fn recall(&self, key: &Key<'q>) -> Option<Option<Term<'q>>> {
        let known = self.known(key);
        self.m.count(if known.is_some() { CACHE_HIT } else { CACHE_MISS });
        known
    }

    /// What a key has given before.
    pub(crate) fn known(&self, key: &Key<'q>) -> Option<Option<Term<'q>>> {
        self.m.memo.borrow().last().and_then(|memo| memo.get(key))
    }

    pub(crate) fn remember(&self, key: Key<'q>, value: Option<Term<'q>>) {
        if let Some(memo) = self.m.memo.borrow_mut().last_mut() {
            memo.put(key, value);
        }
    }

    fn partial_document(&self, v: &Virtual<'_, 'q>, then: &mut Then<'_>) -> Flow {
        let unknown = self.m.is_partial() && self.is_unknown_parts(v.named(), &v.walk.bindings);
        if v.walk.parts.len() == v.pos + 1 {
            return match unknown {
                true => self.support_document(v, then),
                false => self.whole_document(v, then),
            };
        }
        if (unknown && self.is_shallow()) || self.is_disabled(v.named(), false) {
            return self.support_document(v, then);
        }
        self.each_rule(v, unknown, then)
    }

    /// The whole set or object.
    fn whole_document(&self, v: &Virtual<'_, 'q>, then: &mut Then<'_>) -> Flow {
        let key = Key::plain(v.plugged_name());
        let value = match self.recall(&key) {
            Some(Some(value)) => value,
            _ => {
                let value = self.all_rules(v)?;
                self.remember(key, Some(value.clone()));
                value
            }
        };
        self.unify_in(&value, &v.walk.result, &v.walk.bindings, &v.walk.result_bindings, then)
    }

    fn all_rules(&self, v: &Virtual<'_, 'q>) -> Result<Term<'q>, Stop> {
        let mut reduction = Reduction { result: v.empty(), visited: Vec::new() };
        for (rule, _) in &v.found.rules {
            let child = self.child(rule.body.clone());
            let node = TraceNode::Rule(rule.clone());
            child.trace(Op::Enter, &node);
            child.eval(&mut || {
                child.trace(Op::Exit, &node);
                self.reduce(v.pos, rule, &child.bindings, &mut reduction)?;
                child.trace(Op::Redo, &node);
                Ok(())
            })?;
        }
        Ok(reduction.result.finish(self.m.heap))
    }

    fn each_rule(&self, v: &Virtual<'_, 'q>, unknown: bool, then: &mut Then<'_>) -> Flow {
        if v.found.is_empty() {
            return Ok(());
        }
        if self.m.is_partial() {
            let longest = longest_path(v);
            if v.walk.parts[v.pos + 1..longest].iter().any(|t| self.is_unknown_in(t, &v.walk.bindings)) {
                for (rule, _) in &v.found.rules {
                    self.rule_then_reference(v, rule, then)?;
                }
                return Ok(());
            }
        }
        let hint = match unknown {
            true => Hint::None,
            false => self.look_in_memo(v),
        };
        let key = match hint {
            Hint::Hit(pos, value) => return self.walk_term(v.walk, pos, &value, &v.walk.bindings, then),
            Hint::Whole(key) => {
                let value = self.all_rules(v)?;
                self.remember(key, Some(value.clone()));
                return self.walk_term(v.walk, v.pos + 1, &value, &v.walk.bindings, then);
            }
            Hint::Narrowed(key) => Some(key),
            Hint::None => None,
        };
        let reduction = RefCell::new(Reduction { result: v.empty(), visited: Vec::new() });
        for (rule, _) in &v.found.rules {
            self.reference_then_rule(v, rule, &reduction, unknown, then)?;
        }
        let value = reduction.into_inner().result.finish(self.m.heap);
        if let Some(key) = key
            && let Some(part) = crate::refs::find(&value, &key.parts[v.pos + 1..])
        {
            self.remember(key, Some(part));
        }
        if unknown {
            return Ok(());
        }
        self.walk_term(v.walk, v.pos + 1, &value, &v.walk.bindings, then)
    }

    fn look_in_memo(&self, v: &Virtual<'_, 'q>) -> Hint<'q> {
        let whole = Key::plain(v.plugged_name());
        if let Some(Some(value)) = self.recall(&whole) {
            return Hint::Hit(v.pos + 1, value);
        }
        let plug = |t: &Term<'q>| bindings::plug(self.m.heap, &v.walk.bindings, t);
        if plug(&v.walk.parts[v.pos + 1]).as_var().is_some() {
            return Hint::Whole(whole);
        }
        let mut key = whole;
        let mut end = v.pos;
        for at in v.pos + 1..longest_path(v) {
            let step = plug(&v.walk.parts[at]);
            if step.is_ground() && key.scope.is_empty() {
                end = at;
                key.parts.push(step);
            } else if end == v.pos {
                return Hint::None;
            } else {
                key.scope.push(step.as_var().is_none().then_some(step));
            }
            if let Some(Some(value)) = self.recall(&key) {
                return Hint::Hit(end + 1, value);
            }
        }
        while key.scope.last().is_some_and(Option::is_none) {
            key.scope.pop();
        }
        if end == v.pos { Hint::None } else { Hint::Narrowed(key) }
    }

    /// Unifies the reference with the head before the body is evaluated.
    fn reference_then_rule(
        &self,
        v: &Virtual<'_, 'q>,
        rule: &Rc<Rule<'q>>,
        reduction: &RefCell<Reduction<'q>>,
        unknown: bool,
        then: &mut Then<'_>,
    ) -> Flow {
        let child = self.child(rule.body.clone());
        let node = TraceNode::Rule(rule.clone());
        child.trace(Op::Enter, &node);
        let defined = Cell::new(false);
        child.unify_head(v.pos + 1, v.walk, rule, &child.bindings, &mut || {
            defined.set(true);
            child.eval(&mut || {
                child.trace(Op::Exit, &node);
                if unknown {
                    self.walk_result(v, rule, &child, then)?;
                } else {
                    let again = {
                        let mut reduction = reduction.borrow_mut();
                        self.reduce(v.pos, rule, &child.bindings, &mut reduction)?
                    };
                    if again {
                        child.trace(Op::Duplicate, &node);
                    }
                }
                child.trace(Op::Redo, &node);
                Ok(())
            })
        })?;
        if !defined.get() {
            child.trace(Op::Fail, &node);
        }
        Ok(())
    }

    /// Evaluates the body before the reference is unified with the head: its steps are not known.
    fn rule_then_reference(&self, v: &Virtual<'_, 'q>, rule: &Rc<Rule<'q>>, then: &mut Then<'_>) -> Flow {
        let child = self.child(rule.body.clone());
        let node = TraceNode::Rule(rule.clone());
        child.trace(Op::Enter, &node);
        let defined = Cell::new(false);
        let flow = child.eval(&mut || {
            defined.set(true);
            self.unify_head(v.pos + 1, v.walk, rule, &child.bindings, &mut || {
                child.trace(Op::Exit, &node);
                self.walk_result(v, rule, &child, then)?;
                child.trace(Op::Redo, &node);
                Ok(())
            })
        });
        if !defined.get() {
            child.trace(Op::Fail, &node);
        }
        flow
    }

    /// Goes on through what one rule contributes, wrapped into the objects that its head makes.
    fn walk_result(
        &self,
        v: &Virtual<'_, 'q>,
        rule: &Rc<Rule<'q>>,
        child: &Frame<'m, 'q>,
        then: &mut Then<'_>,
    ) -> Flow {
        let heap = self.m.heap;
        let (mut term, of) = bindings::apply(&child.bindings, &rule.result());
        if rule.is_multi() {
            term = Term::new(set(heap, vec![term]));
        }
        for key in rule.path[v.pos + 1..].iter().rev() {
            term = Term::new(object(heap, vec![(key.clone(), term)]));
        }
        self.walk_term(v.walk, v.pos + 1, &term, &of, then)
    }

    fn unify_head(
        &self,
        pos: usize,
        walk: &Walk<'q>,
        rule: &Rc<Rule<'q>>,
        of: &Shared<'q>,
        then: &mut Then<'_>,
    ) -> Flow {
        let (parts, path) = (&walk.parts, &rule.path);
        if pos < parts.len() && pos < path.len() {
            return self.unify_in(&parts[pos], &path[pos], &walk.bindings, of, &mut || {
                self.unify_head(pos + 1, walk, rule, of, then)
            });
        }
        match &rule.key {
            Some(key) if rule.is_multi() && pos < parts.len() && path.len() <= parts.len() => {
                self.unify_in(&parts[pos], key, &walk.bindings, of, then)
            }
            _ => then(),
        }
    }

    /// Adds what a rule gives to its set or object. Whether it was there already.
    fn reduce(
        &self,
        pos: usize,
        rule: &Rc<Rule<'q>>,
        b: &Shared<'q>,
        reduction: &mut Reduction<'q>,
    ) -> Result<bool, Stop> {
        let heap = self.m.heap;
        let plug = |t: &Term<'q>| bindings::plug(heap, b, t);
        let conflict = || Stop::conflict("object keys must be unique", rule.head_at);
        if let Growing::Set(items) = &mut reduction.result {
            let Some(key) = &rule.key else { return Ok(true) };
            return Ok(!items.insert(plug(key)));
        }
        let path: Vec<Term<'q>> = rule.path[pos + 1..].iter().map(plug).collect();
        let collides = |seen: &Vec<Term<'q>>| seen.len() < path.len() && has_prefix(&path, seen);
        if reduction.visited.iter().any(collides) {
            return Err(conflict());
        }
        reduction.visited.push(path.clone());
        let Some((leaf, inner)) = path.split_last() else { return Ok(true) };
        let mut at = &mut reduction.result;
        for key in inner {
            let Growing::Object(pairs) = at else { return Err(conflict()) };
            at = pairs.entry(key.clone()).or_insert_with(|| Growing::Object(BTreeMap::new()));
        }
        let Growing::Object(pairs) = at else { return Err(conflict()) };
        if rule.is_multi() {
            let Some(key) = &rule.key else { return Ok(true) };
            return match pairs.entry(leaf.clone()).or_insert_with(|| Growing::Set(BTreeSet::new())) {
                Growing::Set(items) => Ok(!items.insert(plug(key))),
                _ => Err(conflict()),
            };
        }
        let value = plug(&rule.result());
        match pairs.get(leaf) {
            None => {
                pairs.insert(leaf.clone(), Growing::Leaf(value));
                Ok(false)
            }
            Some(Growing::Leaf(old)) if *old == value => Ok(true),
            Some(_) => Err(conflict()),
        }
    }
}

/// What the memo says of a reference into a set or object.
enum Hint<'q> {
    /// Nothing, and nothing is to be kept.
    None,
    /// The value after so many parts.
    Hit(usize, Term<'q>),
    /// All rules are to be evaluated.
    Whole(Key<'q>),
    /// Rules are to be evaluated as far as they match the reference.
    Narrowed(Key<'q>),
}

/// Parts of the reference that the longest of the rules can match.
fn longest_path(v: &Virtual<'_, '_>) -> usize {
    let length = |r: &Rc<Rule<'_>>| r.path.len() + usize::from(r.is_multi());
    let most = v.walk.parts.len();
    v.found.rules.iter().map(|(r, _)| length(r).min(most)).max().unwrap_or(0)
}

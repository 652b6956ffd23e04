//! `with`: a statement under other documents and functions, whose continuation sees the real ones again.

use crate::error::{Flow, Then};
use crate::frame::Frame;
use crate::memo::Memo;
use crate::term::*;
use std::collections::BTreeMap;
use std::rc::Rc;

/// What a statement's modifiers replace.
struct Replacement<'q> {
    functions: BTreeMap<String, Term<'q>>,
    targets: Vec<Rc<[Term<'q>]>>,
    disabled: Vec<Rc<[Term<'q>]>>,
}

impl<'q> Frame<'_, 'q> {
    pub(crate) fn eval_with(&self, expr: &Rc<Expr<'q>>, then: &mut Then<'_>) -> Flow {
        let mut disabled = Vec::new();
        if self.m.is_partial() {
            match self.disabled_by(expr) {
                Some(refs) => disabled = refs,
                None => return self.save_marked(expr, &mut || self.next(then)),
            }
        }
        let mut r = Replacement { functions: BTreeMap::new(), targets: Vec::new(), disabled };
        let mut inner = self.clone();
        for with in expr.with.iter() {
            let value = self.plug(&with.value);
            match &with.target {
                Target::Function(callee) => {
                    r.functions.insert(callee.text(), value);
                    if let Callee::Function(path) = callee {
                        r.targets.push(data_reference(path).into());
                    }
                }
                Target::Document(parts) => {
                    let is_input = parts.first().and_then(Term::as_var).is_some_and(|n| &**n == "input");
                    let document = if is_input { &mut inner.input } else { &mut inner.data };
                    *document = Some(upsert(self, document.as_ref(), &parts[1..], value));
                    r.targets.push(parts.clone());
                }
            }
        }
        self.push(&r);
        let flow = inner.step(expr, &mut || {
            self.pop();
            let flow = self.next(then);
            self.push(&r);
            flow
        });
        self.pop();
        flow
    }

    fn push(&self, r: &Replacement<'q>) {
        self.m.memo.borrow_mut().push(Memo::default());
        self.m.targets.borrow_mut().push(r.targets.clone());
        if let Some(group) = self.m.mocks.borrow_mut().last_mut() {
            group.push(r.functions.clone());
        }
        if let Some(partial) = &self.m.partial {
            partial.disable_refs(r.disabled.clone(), true);
        }
    }

    fn pop(&self) {
        self.m.memo.borrow_mut().pop();
        self.m.targets.borrow_mut().pop();
        if let Some(group) = self.m.mocks.borrow_mut().last_mut() {
            group.pop();
        }
        if let Some(partial) = &self.m.partial {
            partial.enable();
        }
    }
}

/// A document with a value at a path. What is no object on the way becomes one.
fn upsert<'q>(
    frame: &Frame<'_, 'q>,
    document: Option<&Term<'q>>,
    path: &[Term<'q>],
    value: Term<'q>,
) -> Term<'q> {
    let Some((key, rest)) = path.split_first() else { return value };
    let mut pairs = document.and_then(Term::object_pairs).unwrap_or_default();
    let old = pairs.iter().find(|(k, _)| k == key).map(|(_, v)| v.clone());
    let inner = upsert(frame, old.as_ref(), rest, value);
    pairs.push((key.clone(), inner));
    Term::new(object(frame.m.heap, pairs))
}

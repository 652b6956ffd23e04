//! Where rules must not be evaluated in the place of references to them.

use super::Partial;
use crate::frame::Frame;
use crate::term::*;
use std::rc::Rc;

#[derive(Debug)]
pub(super) struct Disabled<'q> {
    /// The evaluator asked for it, not the caller.
    internal: bool,
    refs: Vec<Rc<[Term<'q>]>>,
    var: Option<Name>,
}

impl<'q> Partial<'_, 'q> {
    pub(crate) fn disable_refs(&self, refs: Vec<Rc<[Term<'q>]>>, internal: bool) {
        self.control.borrow_mut().push(Disabled { internal, refs, var: None });
    }

    pub(crate) fn disable_var(&self, var: &Term<'q>) {
        let var = var.as_var().cloned();
        self.control.borrow_mut().push(Disabled { internal: true, refs: Vec::new(), var });
    }

    /// Takes the last one back.
    pub(crate) fn enable(&self) {
        self.control.borrow_mut().pop();
    }

    pub(super) fn disabled(&self, parts: &[Term<'q>], ignore_internal: bool) -> bool {
        let control = self.control.borrow();
        let counting = control.iter().filter(|d| !(d.internal && ignore_internal));
        let mut refs = counting.flat_map(|d| &d.refs);
        refs.any(|other| has_prefix(other, parts) || has_prefix(parts, other))
    }

    pub(super) fn disabled_var(&self, t: &Term<'q>) -> bool {
        let Some(name) = t.as_var() else { return false };
        self.control.borrow().iter().any(|d| d.var.as_ref() == Some(name))
    }
}

impl<'q> Frame<'_, 'q> {
    pub(crate) fn is_disabled(&self, parts: &[Term<'q>], ignore_internal: bool) -> bool {
        self.m.partial.as_ref().is_some_and(|p| p.disabled(parts, ignore_internal))
    }

    pub(crate) fn is_shallow(&self) -> bool {
        self.m.partial.as_ref().is_some_and(|p| p.shallow)
    }
}

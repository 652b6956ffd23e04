//! The stages of safety: heads, then bodies, and what may only be done to bodies that are safe.

use super::names::{NameSet, Names};
use super::program::{View, bound_outside, ground_name};
use super::tree::*;
use super::{Lowering, hoist, walk};
use crate::safety;
use govc_syntax::{Diagnostic, Span};
use std::collections::BTreeSet;

impl Lowering<'_> {
    pub(super) fn check_safety_of_heads(&mut self) {
        let shared = self.shared_rows();
        let p = &self.program;
        let mut found = Vec::new();
        for rule in p.order.iter().map(|&i| &p.rules[i]).filter(|r| !r.broken) {
            for (i, branch) in rule.branches.iter().enumerate() {
                let mut bound = safety::vars::Collector::new(safety::vars::Skip::SAFETY);
                bound.body(&branch.body);
                bound.out.extend(bound_outside(rule));
                let steps = if i == 0 { rule.steps.as_slice() } else { &[] };
                let scope = self.scope_label(rule, branch, &shared);
                let mut told = Vec::new();
                for term in steps.iter().chain([&branch.value]) {
                    unsafe_in_head(&p.names, term, &bound.out, &scope, &mut told);
                }
                found.extend(told);
            }
        }
        self.found.extend(found.into_iter().map(unsafe_error));
    }

    /// Rows on which rules of more than one name begin, by module.
    pub(super) fn shared_rows(&self) -> BTreeSet<(usize, usize)> {
        let mut first = std::collections::BTreeMap::new();
        let mut shared = BTreeSet::new();
        for rule in &self.program.rules {
            for branch in &rule.branches {
                let row = (rule.module, self.sources.position(branch.span).0);
                let name = ground_name(rule);
                if first.entry(row).or_insert_with(|| name.clone()) != &name {
                    shared.insert(row);
                }
            }
        }
        shared
    }

    pub(super) fn scope_label(
        &self,
        rule: &Rule,
        branch: &Branch,
        shared: &BTreeSet<(usize, usize)>,
    ) -> String {
        let row = (rule.module, self.sources.position(branch.span).0);
        if shared.contains(&row) { format!(" in rule {}", ground_name(rule)) } else { String::new() }
    }

    pub(super) fn check_safety_of_bodies(&mut self) {
        let shared = self.shared_rows();
        let view = View::new(&self.program, self.options);
        let arity = |t: &Target| view.functions().arity(t);
        let mut found = Vec::new();
        for i in self.program.order.clone() {
            let globals = bound_outside(&self.program.rules[i]);
            for b in 0..self.program.rules[i].branches.len() {
                let branch = &mut self.program.rules[i].branches[b];
                let unbound = safety::reorder(&mut branch.body, &arity, &globals);
                if !unbound.is_empty() && !self.program.rules[i].broken && !self.options.open {
                    let rule = &self.program.rules[i];
                    let scope = self.scope_label(rule, &rule.branches[b], &shared);
                    found.extend(unbound.messages(&self.program.names, &scope));
                }
            }
        }
        self.found.extend(found.into_iter().map(unsafe_error));
        if self.found.is_empty() {
            self.hoist_dynamic_terms();
        }
    }

    pub(super) fn hoist_dynamic_terms(&mut self) {
        self.each_rule(|names, rule, _| {
            for branch in &mut rule.branches {
                hoist::equals(&mut branch.body);
                hoist::dynamic_terms(names, &mut branch.body);
            }
        });
    }
}

fn unsafe_in_head(names: &Names, term: &Term, bound: &NameSet, scope: &str, found: &mut Vec<(Span, String)>) {
    walk::term(term, &mut |t| {
        if let TermKind::Var(name) = t.kind
            && !bound.contains(&name)
            && !name.is_root()
            && !names.is_generated(name)
        {
            let text = format!("var {} is unsafe{scope}", names.text(name));
            if !found.iter().any(|(_, other)| *other == text) {
                found.push((t.span, text));
            }
        }
        matches!(t.kind, TermKind::Comprehension(_))
    });
}

pub(crate) fn unsafe_error((span, message): (Span, String)) -> Diagnostic {
    Diagnostic::error("govc_unsafe_variable", "rego_unsafe_var_error", span, message)
}

//! Programs that tell what of them is evaluated, for `--coverage`.
//!
//! A mark is a call of `internal.mark` with the number of a place. What OPA's tracer does not see because the rule
//! index left a rule out must not be marked either, so the conditions that OPA indexes stand in front of the body a
//! second time, without marks.

use super::{Planned, Planner};
use crate::hir::{Body, Callee, Expr, ExprKind, Ref, RefHead, Term, Unit};
use crate::ir::{self, Const, StmtKind};
use govc_syntax::Span;

impl Planner<'_> {
    /// Tells, where the program is to tell it, that a place is evaluated.
    pub(super) fn mark(&mut self, place: Span) {
        if self.marks.is_none() || place == Span::default() {
            return;
        }
        let next = self.places.len() as u32;
        let number = *self.places.entry(place).or_insert_with(|| {
            self.policy.marks.push(place);
            next
        });
        let number = self.constant(Const::Number(number.to_string()));
        let callee = ir::Callee::Builtin(self.builtin_id("internal.mark", 1));
        let result = self.b.local();
        self.b.emit(StmtKind::Call { callee, args: vec![number], result });
    }

    /// The conditions of a body by which OPA's index leaves its rule out.
    pub(super) fn conditions(&mut self, body: &Body) -> Planned<()> {
        let Some(marks) = self.marks.filter(|marks| marks.index) else { return Ok(()) };
        self.marks = None;
        let planned = body
            .iter()
            .filter(|e| self.is_indexed(e))
            .map(|e| e.kind.clone())
            .collect::<Vec<_>>()
            .iter()
            .try_for_each(|condition| self.expr(condition));
        self.marks = Some(marks);
        planned
    }

    /// `ref`, `ref == constant` and `ref in constants`, where the reference reads `input` or an argument.
    fn is_indexed(&self, e: &Expr) -> bool {
        let pair = |a, b| self.is_indexable(a) && is_ground(b);
        e.with.is_empty()
            && match &e.kind {
                ExprKind::Term(term) => matches!(term, Term::Ref(_)) && self.is_indexable(term),
                ExprKind::Unify(a, b) => pair(a, b) || pair(b, a),
                ExprKind::Call { callee: Callee::Builtin(name), args, output: None } => {
                    match (name.as_str(), args.as_slice()) {
                        ("equal", [a, b]) => pair(a, b) || pair(b, a),
                        ("internal.member_2", [a, b]) => pair(a, b),
                        ("glob.match", [a, b, c]) => is_ground(a) && pair(c, b),
                        _ => false,
                    }
                }
                _ => false,
            }
    }

    fn is_indexable(&self, term: &Term) -> bool {
        match term {
            Term::Var(var) => self.b.value(*var).is_some(),
            Term::Ref(reference) => is_ground_input(reference),
            _ => false,
        }
    }
}

fn is_ground_input(reference: &Ref) -> bool {
    reference.head == RefHead::Input && reference.steps.iter().all(is_ground)
}

fn is_ground(term: &Term) -> bool {
    match term {
        Term::Const(_) => true,
        Term::Array(items) | Term::Set(items) => items.iter().all(is_ground),
        Term::Object(entries) => entries.iter().all(|(key, value)| is_ground(key) && is_ground(value)),
        Term::Var(_) | Term::Ref(_) | Term::Comprehension(_) => false,
    }
}

/// All places of a unit that a program made with [`super::Marks`] can tell of.
pub fn places(unit: &Unit) -> Vec<Span> {
    let mut found = Vec::new();
    for rule in &unit.rules {
        match rule.default {
            true => found.push(rule.span),
            false => found.extend(rule.branches.iter().map(|branch| branch.head_span)),
        }
        rule.branches.iter().for_each(|branch| {
            body(&branch.body, &mut found);
            term(&branch.value, &mut found);
        });
    }
    found.sort_by_key(|span| (span.file, span.start, span.end));
    found.dedup();
    found.retain(|span| *span != Span::default());
    found
}

fn body(statements: &Body, found: &mut Vec<Span>) {
    for e in statements {
        found.push(e.span);
        match &e.kind {
            ExprKind::Term(t) => term(t, found),
            ExprKind::Unify(a, b) => [a, b].into_iter().for_each(|t| term(t, found)),
            ExprKind::Call { args, output, .. } => args.iter().chain(output).for_each(|t| term(t, found)),
            ExprKind::Not(inner) => body(inner, found),
            ExprKind::Every { domain, body: inner, .. } => {
                term(domain, found);
                body(inner, found);
            }
            ExprKind::Or(arms) => arms.iter().for_each(|arm| body(arm, found)),
        }
    }
}

/// The bodies of comprehensions in a term.
fn term(t: &Term, found: &mut Vec<Span>) {
    match t {
        Term::Const(_) | Term::Var(_) => {}
        Term::Ref(reference) => reference.steps.iter().for_each(|step| term(step, found)),
        Term::Array(items) | Term::Set(items) => items.iter().for_each(|item| term(item, found)),
        Term::Object(entries) => entries.iter().for_each(|(key, value)| {
            term(key, found);
            term(value, found);
        }),
        Term::Comprehension(comprehension) => body(&comprehension.body, found),
    }
}

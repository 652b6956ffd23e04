//! Programs that tell what of them is evaluated, for `--coverage`.
//!
//! A mark is a call of `internal.mark` with the number of a place. What OPA's tracer does not see because the rule
//! index left a rule out must not be marked either, so the conditions that OPA indexes stand in front of the body a
//! second time, without marks.

use super::{Planned, Planner};
use crate::hir::{Body, Callee, ExprKind, Ref, RefHead, Rule, Term, Var};
use crate::ir::{self, Const, StmtKind};
use govc_syntax::Span;
use rustc_hash::FxHashMap;

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
        let mut inputs = FxHashMap::default();
        let mut conditions = Vec::new();
        for e in body.iter().filter(|e| e.with.is_empty()) {
            match &e.kind {
                ExprKind::Unify(Term::Var(var), Term::Ref(reference)) if is_ground_input(reference) => {
                    inputs.insert(*var, Term::Ref(reference.clone()));
                }
                kind => conditions.extend(self.indexed(kind, &inputs)),
            }
        }
        self.marks = None;
        let planned = conditions.iter().try_for_each(|condition| self.expr(condition));
        self.marks = Some(marks);
        planned
    }

    /// `ref`, `ref == constant` and `ref in constants`, where the reference reads `input` or an argument; the
    /// variables that stand for such references are replaced.
    fn indexed(&self, kind: &ExprKind, inputs: &FxHashMap<Var, Term>) -> Option<ExprKind> {
        let read = |term: &Term| match term {
            Term::Var(var) if self.b.value(*var).is_some() => Some(term.clone()),
            Term::Var(var) => inputs.get(var).cloned(),
            Term::Ref(reference) if is_ground_input(reference) => Some(term.clone()),
            _ => None,
        };
        let pair = |a, b: &Term| Some((read(a)?, is_ground(b).then(|| b.clone())?));
        match kind {
            ExprKind::Term(term @ Term::Ref(_)) => Some(ExprKind::Term(read(term)?)),
            ExprKind::Unify(a, b) => {
                pair(a, b).or_else(|| pair(b, a)).map(|(read, value)| ExprKind::Unify(read, value))
            }
            ExprKind::Call { callee: callee @ Callee::Builtin(name), args, output: None } => {
                let args = match (name.as_str(), args.as_slice()) {
                    ("equal", [a, b]) => pair(a, b).or_else(|| pair(b, a)).map(|(a, b)| vec![a, b]),
                    ("internal.member_2", [a, b]) => pair(a, b).map(|(a, b)| vec![a, b]),
                    ("glob.match", [a, b, c]) if is_ground(a) => {
                        pair(c, b).map(|(c, b)| vec![a.clone(), b, c])
                    }
                    _ => None,
                };
                Some(ExprKind::Call { callee: callee.clone(), args: args?, output: None })
            }
            _ => None,
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

/// The word `default`, and what follows it.
pub(super) fn default(rule: &Rule) -> [Span; 2] {
    let word = Span { end: rule.span.start + "default".len() as u32, ..rule.span };
    [word, Span { start: rule.head_span.start, ..rule.span }]
}

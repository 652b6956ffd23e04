//! Programs that tell what of them is evaluated, for `--coverage`.
//!
//! A mark is a call of `internal.mark` with the number of a place. What OPA's tracer does not see because the rule
//! index left a rule out must not be marked either, so the demands that OPA indexes stand in front of the body a
//! second time, without marks.

use super::{Planned, Planner};
use crate::hir::{Branch, Rule};
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

    /// The demands of a branch, where the program is to tell only of rules that OPA's index does not leave out.
    pub(super) fn conditions(&mut self, rule: &Rule, branch: &Branch) -> Planned<()> {
        let Some(marks) = self.marks.filter(|marks| marks.index) else { return Ok(()) };
        self.marks = None;
        let planned = self.demands(rule, branch).into_iter().try_for_each(|(_, demand)| self.demand(&demand));
        self.marks = Some(marks);
        planned
    }
}

/// The word `default`, and what follows it.
pub(super) fn default(rule: &Rule) -> [Span; 2] {
    let word = Span { end: rule.span.start + "default".len() as u32, ..rule.span };
    [word, Span { start: rule.head_span.start, ..rule.span }]
}

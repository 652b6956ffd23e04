//! Tests with cases: `test_x[name]` says at the earliest place of its body which case it has come to, so that a
//! case that fails is known by its name.
//!
//! The call is OPA's `internal.test_case`. What OPA computes for the head's steps is moved up to where all that it
//! needs is bound; what the author wrote stays where it is.

use crate::lower::names::{NameSet, Names};
use crate::lower::tree::*;
use crate::lower::walk;
use crate::safety::vars::{Collector, Skip};
use govc_syntax::Span;

const TEST_CASE: &str = "internal.test_case";
const PREFIX: &str = "test_";

/// Adds the call to a test with variable steps.
pub(crate) fn mark(names: &Names, rule: &mut Rule) {
    let Some(steps) = case_steps(rule).filter(|steps| !steps.is_empty()).map(<[Term]>::to_vec) else {
        return;
    };
    let span = rule.head_span;
    for branch in &mut rule.branches {
        if calls_test_case(&branch.body) {
            continue;
        }
        for step in &steps {
            move_up(names, step, &mut branch.body);
        }
        let at = first_place(&steps, &branch.body);
        branch.body.insert(at, call(steps.clone(), span));
    }
}

/// The steps of the head after the one that names the test.
fn case_steps(rule: &Rule) -> Option<&[Term]> {
    if rule.default || rule.args.is_some() {
        return None;
    }
    if rule.name.starts_with(PREFIX) {
        return Some(&rule.steps);
    }
    let constant = rule.steps.iter().map_while(Term::as_str);
    let named = constant.into_iter().position(|step| step.starts_with(PREFIX))?;
    rule.steps.get(named + 1..)
}

fn calls_test_case(body: &[Expr]) -> bool {
    let mut found = false;
    walk::statements(body, &mut |e| {
        if let ExprKind::Call(Call { op: Operator { target: Target::Builtin(name), .. }, .. }) = &e.kind {
            found |= &**name == TEST_CASE;
        }
    });
    found
}

fn call(steps: Vec<Term>, span: Span) -> Expr {
    let op = Operator { target: Target::Builtin(TEST_CASE.into()) };
    let args = vec![Term::new(TermKind::Array(steps), span)];
    Expr::new(ExprKind::Call(Call { op, args }), span)
}

/// Moves what a rewrite has made for a step up to where its variables are bound.
fn move_up(names: &Names, step: &Term, body: &mut Body) {
    let Some(step) = step.as_var() else { return };
    let made = |e: &Expr| match &e.kind {
        ExprKind::Unify(lhs, _) => e.generated && lhs.as_var() == Some(step),
        _ => false,
    };
    let Some(from) = body.iter().rposition(made) else { return };
    let ExprKind::Unify(_, value) = &body[from].kind else { return };
    let mut needed = NameSet::default();
    walk::collect_names(value, &mut needed);
    needed.retain(|n| names.is_rewritten(*n));
    let to = match needed.is_empty() {
        true => 0,
        false => {
            needed.iter().filter_map(|n| mentions(&body[..from], |o| o.contains(n))).max().unwrap_or(0) + 1
        }
    };
    if to < from {
        let moved = body.remove(from);
        body.insert(to, moved);
    }
}

/// The place after the first statement that mentions each of the steps.
fn first_place(steps: &[Term], body: &[Expr]) -> usize {
    let vars = steps.iter().filter_map(Term::as_var);
    let last = vars.filter_map(|v| mentions(body, |out| out.contains(&v))).max();
    last.map_or(0, |at| at + 1).min(body.len())
}

fn mentions(body: &[Expr], holds: impl Fn(&NameSet) -> bool) -> Option<usize> {
    body.iter().position(|e| {
        let mut collector = Collector::new(Skip::default());
        collector.expr(e);
        holds(&collector.out)
    })
}

//! What a rule demands of documents and arguments before anything of it is evaluated.
//!
//! OPA asks an index which rules can hold at all: statements that compare `input`, base documents or parameters with
//! constants, or need them to be there. What else stands in the body of a rule that the index leaves out is not
//! evaluated, so it raises no error. Without an index, such statements are evaluated before the first one that may.

use super::shadow::data_vertex;
use super::visit::{self, Dependency};
use super::{Planned, Planner};
use crate::hir::{Branch, Callee, Const, Expr, ExprKind, Ref, RefHead, Rule, Term, Var};
use govc_syntax::Span;
use rustc_hash::FxHashMap;

/// What one statement demands.
pub(super) enum Demand {
    /// A reference must be defined, if only as `false`.
    Defined(Term),
    /// It must be an array of this length, with scalars where these stand.
    Fits(Term, Vec<Term>),
    /// It must be this scalar, or a collection that holds it: to OPA's index that is one.
    Member(Term, Term),
    /// The statement must hold; variables that stand for known references are replaced by these.
    Holds(ExprKind),
}

/// The references that variables stand for.
type Read = FxHashMap<Var, Box<Ref>>;

impl Planner<'_> {
    /// The statements of a rule's body, in an order in which none raises an error that a demand behind it forbids.
    pub(super) fn body_of_rule(&mut self, rule: &Rule, branch: &Branch) -> Planned<()> {
        let body = &branch.body;
        let raising = body.iter().position(|e| self.may_raise(e)).filter(|_| self.marks.is_none());
        let Some(raising) = raising else { return self.body(body) };
        let demands = self.demands(rule, branch);
        let (before, behind) = body.split_at(raising);
        before.iter().try_for_each(|e| self.statement(e))?;
        let mut moved = vec![false; body.len()];
        for (at, demand) in demands.into_iter().filter(|(at, _)| *at > raising) {
            let all = |e: &&Expr| matches!(demand, Demand::Holds(_)) || self.binds(&e.kind);
            match body.get(at).filter(all) {
                Some(e) => {
                    moved[at] = true;
                    self.statement(e)?;
                }
                None => self.demand(&demand)?,
            }
        }
        let left = behind.iter().zip(&moved[raising..]).filter(|(_, moved)| !**moved);
        left.map(|(e, _)| e).try_for_each(|e| self.statement(e))
    }

    /// Evaluates a demand; undefined where it is not met.
    pub(super) fn demand(&mut self, demand: &Demand) -> Planned<()> {
        match demand {
            Demand::Defined(term) => self.term(term).map(drop),
            Demand::Fits(term, items) => {
                let value = self.term(term)?;
                let mut scalars = items.iter().enumerate().filter(|(_, item)| is_scalar(item));
                self.unify_elements(value, items.len(), &mut scalars)
            }
            Demand::Member(of, scalar) => {
                let callee = Callee::Builtin("internal.member_2".to_owned());
                let args = vec![scalar.clone(), of.clone()];
                let ways = [
                    ExprKind::Unify(of.clone(), scalar.clone()),
                    ExprKind::Call { callee, args, output: None },
                ];
                self.or(&ways.map(|kind| vec![Expr { kind, with: Vec::new(), span: Span::default() }]))
            }
            Demand::Holds(kind) => self.expr(kind),
        }
    }

    /// The demands of a branch, with the places of their statements, behind which those of its head come; none where
    /// OPA must not miss what it prints.
    pub(super) fn demands(&self, rule: &Rule, branch: &Branch) -> Vec<(usize, Demand)> {
        let body = &branch.body;
        let mut read = Read::default();
        let mut demands = Vec::new();
        if body.iter().any(prints) {
            return demands;
        }
        for (at, e) in body.iter().enumerate().filter(|(_, e)| e.with.is_empty()) {
            let demand = self.demanded(&e.kind, &read);
            if matches!(demand, None | Some(Demand::Fits(..))) {
                self.evaluated(&e.kind, &mut |demand| demands.push((at, demand)));
            }
            demands.extend(demand.map(|demand| (at, demand)));
            if let ExprKind::Unify(Term::Var(var), Term::Ref(r)) = &e.kind
                && self.is_base(r)
            {
                read.insert(*var, r.clone());
            }
        }
        for term in rule.dynamic.iter().chain([&branch.value]) {
            self.needed(term, &mut |demand| demands.push((body.len(), demand)));
        }
        demands
    }

    fn demanded(&self, kind: &ExprKind, read: &Read) -> Option<Demand> {
        match kind {
            ExprKind::Term(Term::Ref(r)) if self.is_base(r) => Some(Demand::Defined(Term::Ref(r.clone()))),
            ExprKind::Unify(a, b) => {
                let element = self.element(a, b).or_else(|| self.element(b, a));
                element.or_else(|| self.compared(a, b, read)).or_else(|| self.compared(b, a, read))
            }
            ExprKind::Call { callee: callee @ Callee::Builtin(name), args, output: None } => {
                let args = self.called(name, args, read)?;
                Some(Demand::Holds(ExprKind::Call { callee: callee.clone(), args, output: None }))
            }
            _ => None,
        }
    }

    /// The base documents that a statement needs, whatever it makes of them.
    fn evaluated(&self, kind: &ExprKind, found: &mut dyn FnMut(Demand)) {
        match kind {
            ExprKind::Unify(a, b) => visit::unified(a, b, &mut |r| self.defined(r, found)),
            ExprKind::Call { args, .. } => args.iter().for_each(|arg| self.needed(arg, found)),
            ExprKind::Every { domain, .. } => self.needed(domain, found),
            ExprKind::Term(_) | ExprKind::Not(_) | ExprKind::Or(_) => {}
        }
    }

    fn needed(&self, term: &Term, found: &mut dyn FnMut(Demand)) {
        visit::evaluated(term, &mut |r| self.defined(r, found));
    }

    fn defined(&self, r: &Ref, found: &mut dyn FnMut(Demand)) {
        if self.is_base(r) {
            found(Demand::Defined(Term::Ref(Box::new(r.clone()))));
        }
    }

    /// Whether a statement only gives a name to a reference.
    fn binds(&self, kind: &ExprKind) -> bool {
        match kind {
            ExprKind::Unify(Term::Var(var), Term::Ref(_)) | ExprKind::Unify(Term::Ref(_), Term::Var(var)) => {
                self.b.value(*var).is_none()
            }
            _ => false,
        }
    }

    /// `input.roles[_] = "x"`.
    fn element(&self, a: &Term, b: &Term) -> Option<Demand> {
        let Term::Ref(r) = a else { return None };
        let prefix = Term::Ref(Box::new(self.open_base(r).filter(|_| is_scalar(b))?));
        Some(Demand::Member(prefix, b.clone()))
    }

    /// The base document of which a reference names any element.
    pub(super) fn open_base(&self, r: &Ref) -> Option<Ref> {
        let (last, steps) = r.steps.split_last()?;
        let prefix = Ref { steps: steps.to_vec(), ..r.clone() };
        (!is_scalar(last) && self.is_base(&prefix)).then_some(prefix)
    }

    fn compared(&self, a: &Term, b: &Term, read: &Read) -> Option<Demand> {
        let known = self.known_term(a, read)?;
        match b {
            _ if is_flat(b) => Some(Demand::Holds(ExprKind::Unify(known, b.clone()))),
            Term::Var(_) if matches!(a, Term::Ref(_)) => Some(Demand::Defined(known)),
            Term::Array(items) if !items.iter().any(is_nested) => Some(Demand::Fits(known, items.clone())),
            _ => None,
        }
    }

    /// The arguments of a comparison with constants.
    fn called(&self, name: &str, args: &[Term], read: &Read) -> Option<Vec<Term>> {
        let known = |term: &Term| self.known_term(term, read);
        match (name, args) {
            ("equal", [a, b]) if is_flat(b) => Some(vec![known(a)?, b.clone()]),
            ("equal", [a, b]) if is_flat(a) => Some(vec![known(b)?, a.clone()]),
            ("internal.member_2", [a, b]) if is_scalar(a) => Some(vec![a.clone(), known(b)?]),
            ("internal.member_2", [a, b]) if elements(b).iter().all(is_scalar) => {
                let collection = (!elements(b).is_empty()).then(|| b.clone())?;
                Some(vec![known(a)?, collection])
            }
            ("glob.match", [a, b, c]) if plain_pattern(a).is_some() && is_flat(b) => {
                Some(vec![a.clone(), b.clone(), known(c)?])
            }
            _ => None,
        }
    }

    /// A parameter, or a base document, by its reference or by the variable that stands for it.
    fn known_term(&self, term: &Term, read: &Read) -> Option<Term> {
        match term {
            Term::Var(var) => match read.get(var) {
                Some(r) => Some(Term::Ref(r.clone())),
                None => self.b.value(*var).map(|_| term.clone()),
            },
            Term::Ref(r) if self.is_base(r) => Some(term.clone()),
            _ => None,
        }
    }

    /// Whether a reference has constant steps and meets no rule.
    pub(super) fn is_base(&self, r: &Ref) -> bool {
        let plain = match r.head {
            RefHead::Input => true,
            RefHead::Data => data_vertex(&self.trie, r).is_none(),
            RefHead::Var(_) => false,
        };
        plain && r.steps.iter().all(is_scalar)
    }

    /// Whether a statement can end with an error: it evaluates rules, or a builtin that does more than compare.
    pub(super) fn may_raise(&self, e: &Expr) -> bool {
        let mut raises = false;
        visit::expr(e, &mut |dependency| {
            raises |= match dependency {
                Dependency::Data(r) => data_vertex(&self.trie, r).is_some(),
                Dependency::Callee(Callee::Builtin(name)) => !compares(name),
                Dependency::Callee(Callee::Function(_)) => true,
            }
        });
        raises
    }
}

/// Whether a builtin only compares: it never fails.
pub(super) fn compares(builtin: &str) -> bool {
    matches!(
        builtin,
        "eq" | "equal" | "neq" | "lt" | "lte" | "gt" | "gte" | "internal.member_2" | "internal.member_3"
    )
}

/// Whether a statement must not be missed, because it prints.
pub(super) fn prints(e: &Expr) -> bool {
    let mut prints = false;
    visit::expr(e, &mut |dependency| {
        let Dependency::Callee(Callee::Builtin(name)) = dependency else { return };
        prints |= matches!(name.as_str(), "internal.print" | "internal.test_case");
    });
    prints
}

fn is_scalar(term: &Term) -> bool {
    term.as_const().is_some()
}

/// A collection that is written out.
pub(super) fn is_nested(term: &Term) -> bool {
    matches!(term, Term::Array(_) | Term::Object(_) | Term::Set(_))
}

/// A scalar or an array of scalars.
fn is_flat(term: &Term) -> bool {
    is_scalar(term) || matches!(term, Term::Array(items) if items.iter().all(is_scalar))
}

/// A pattern in whose parts nothing is to be matched but `*` alone: others are not indexed.
pub(super) fn plain_pattern(term: &Term) -> Option<&Const> {
    let constant = term.as_const()?;
    let Const::String(pattern) = constant else { return None };
    let mut parts = pattern.split(|c: char| !c.is_alphanumeric() && !"*?[]{}\\".contains(c));
    parts.all(|part| part == "*" || !part.contains(['*', '?', '[', '{', '\\'])).then_some(constant)
}

fn elements(term: &Term) -> &[Term] {
    match term {
        Term::Array(items) | Term::Set(items) => items,
        _ => &[],
    }
}

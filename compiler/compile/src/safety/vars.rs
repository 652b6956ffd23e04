//! Which variables a statement mentions, and which of them it binds.

use crate::lower::names::{Name, NameSet};
use crate::lower::tree::*;

/// The number of parameters of what is called, if it is known.
pub(crate) type Arity<'a> = &'a dyn Fn(&Target) -> Option<usize>;

/// What [`Collector`] leaves out.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Skip {
    pub(crate) closures: bool,
    pub(crate) object_keys: bool,
    pub(crate) ref_heads: bool,
    pub(crate) sets: bool,
    /// Function names in `with`, which are no variables.
    pub(crate) call_heads: bool,
}

impl Skip {
    /// What the safety check of a body leaves out.
    pub(crate) const SAFETY: Skip =
        Skip { closures: true, call_heads: true, object_keys: false, ref_heads: false, sets: false };
    /// What a pattern does not bind.
    pub(crate) const PATTERN: Skip =
        Skip { closures: true, object_keys: true, ref_heads: true, sets: true, call_heads: false };
    const MATCHED: Skip =
        Skip { closures: true, object_keys: true, ref_heads: true, sets: false, call_heads: false };
}

/// Collects variables.
pub(crate) struct Collector<'a> {
    pub(crate) skip: Skip,
    /// Implicit operands of `not`, `and`, `or` show the variables that they need from outside.
    pub(crate) promote: Option<Arity<'a>>,
    pub(crate) out: NameSet,
}

impl<'a> Collector<'a> {
    pub(crate) fn new(skip: Skip) -> Self {
        Self { skip, promote: None, out: NameSet::default() }
    }

    pub(crate) fn promoting(arity: Arity<'a>) -> Self {
        Self { skip: Skip::SAFETY, promote: Some(arity), out: NameSet::default() }
    }

    pub(crate) fn body(&mut self, body: &[Expr]) {
        body.iter().for_each(|e| self.expr(e));
    }

    pub(crate) fn expr(&mut self, e: &Expr) {
        match &e.kind {
            ExprKind::Term(t) => self.term(t),
            ExprKind::Call(c) => self.terms(&c.args),
            ExprKind::Unify(a, b) | ExprKind::Assign(a, b) => {
                self.term(a);
                self.term(b);
            }
            ExprKind::SomeDecl(names) => self.out.extend(names.iter().map(|(n, _)| *n)),
            ExprKind::SomeIn { key, value, domain } => {
                self.terms(key.as_slice());
                self.term(value);
                self.term(domain);
            }
            ExprKind::Every(every) => self.every(every),
            ExprKind::Not { body, explicit } => self.operand(body, *explicit),
            ExprKind::And(l) | ExprKind::Or(l) => {
                self.operand(&l.lhs, l.explicit_lhs);
                self.operand(&l.rhs, l.explicit_rhs);
            }
        }
        e.with.iter().for_each(|w| self.with(w));
    }

    fn every(&mut self, every: &Every) {
        self.term(&every.domain);
        if !self.skip.closures {
            self.out.extend(every.key);
            self.out.insert(every.value);
            self.body(&every.body);
        }
    }

    fn operand(&mut self, body: &[Expr], explicit: bool) {
        match self.promote {
            Some(arity) if !explicit => self.out.extend(needed_from_outside(body, arity)),
            Some(_) => {}
            None if self.skip.closures => {}
            None => self.body(body),
        }
    }

    pub(crate) fn with(&mut self, with: &With) {
        if !self.skip.call_heads {
            self.term(&with.target);
            self.term(&with.value);
            return;
        }
        if let TermKind::Ref(parts) = &with.target.kind {
            self.terms(&parts[1..]);
        }
        match &with.value.kind {
            TermKind::Ref(parts) => self.terms(&parts[1..]),
            _ => self.term(&with.value),
        }
    }

    pub(crate) fn terms(&mut self, terms: &[Term]) {
        terms.iter().for_each(|t| self.term(t));
    }

    pub(crate) fn term(&mut self, t: &Term) {
        match &t.kind {
            TermKind::Const(_) => {}
            TermKind::Var(name) => {
                self.out.insert(*name);
            }
            TermKind::Ref(parts) if self.skip.ref_heads => self.terms(&parts[1..]),
            TermKind::Ref(parts) => self.terms(parts),
            TermKind::Array(items) => self.terms(items),
            TermKind::Set(items) => {
                if !self.skip.sets {
                    self.terms(items);
                }
            }
            TermKind::Call(c) => self.terms(&c.args),
            TermKind::Object(pairs) => {
                for (key, value) in pairs {
                    if !self.skip.object_keys {
                        self.term(key);
                    }
                    self.term(value);
                }
            }
            TermKind::Comprehension(c) => self.comprehension(c),
            TermKind::Template(parts) => self.template(parts),
        }
    }

    fn comprehension(&mut self, c: &Comprehension) {
        if !self.skip.closures {
            self.terms(c.key.as_slice());
            self.term(&c.term);
            self.body(&c.body);
        }
    }

    fn template(&mut self, parts: &[Part]) {
        if self.skip.closures {
            return;
        }
        for part in parts {
            if let Part::Expr(e) = part {
                self.expr(e);
            }
        }
    }
}

/// The variables of a body as the safety check sees them.
pub(crate) fn of_body(body: &[Expr], arity: Arity) -> NameSet {
    let mut c = Collector::promoting(arity);
    c.body(body);
    c.out
}

/// The variables of a statement as the safety check sees them.
pub(crate) fn of_expr(e: &Expr, arity: Arity) -> NameSet {
    let mut c = Collector::promoting(arity);
    c.expr(e);
    c.out
}

fn matched_names(t: &Term) -> NameSet {
    let mut c = Collector::new(Skip::MATCHED);
    c.term(t);
    c.out
}

/// Variables of an implicit operand that nothing inside it both binds and uses.
fn needed_from_outside(body: &[Expr], arity: Arity) -> NameSet {
    let occurrences: Vec<NameSet> = body.iter().map(plain_names).collect();
    let all: NameSet = occurrences.iter().flatten().copied().collect();
    if body.len() == 1 {
        return all;
    }
    let bound: NameSet = body.iter().flat_map(|e| bindings(e, arity)).collect();
    let count = |n: &Name| occurrences.iter().filter(|set| set.contains(n)).count();
    all.into_iter().filter(|n| !bound.contains(n) || count(n) == 1).collect()
}

fn plain_names(e: &Expr) -> NameSet {
    let mut c = Collector::new(Skip::SAFETY);
    c.expr(e);
    c.out
}

fn bindings(e: &Expr, arity: Arity) -> NameSet {
    match &e.kind {
        ExprKind::Unify(a, b) => outputs_of_unify(e, a, b, &NameSet::default()),
        ExprKind::Call(c) => match arity(&c.op.target) {
            Some(n) if n < c.args.len() && !is_equality(c) => {
                let mut collector = Collector::new(Skip::PATTERN);
                collector.terms(&c.args[n..]);
                collector.out
            }
            _ => NameSet::default(),
        },
        _ => NameSet::default(),
    }
}

/// The variables that a body binds beyond the safe ones.
pub(crate) fn outputs_of_body(body: &[Expr], arity: Arity, safe: &NameSet) -> NameSet {
    let mut all = safe.clone();
    for e in body {
        let more = outputs(e, arity, &all);
        all.extend(more);
    }
    all.difference(safe).copied().collect()
}

/// The variables that a statement binds where the safe ones are bound.
pub(crate) fn outputs(e: &Expr, arity: Arity, safe: &NameSet) -> NameSet {
    if !may_bind(e, safe) {
        return NameSet::default();
    }
    match &e.kind {
        ExprKind::Term(t) => {
            let mut out = outputs_of_term(t, safe);
            e.with.iter().for_each(|w| out.extend(outputs_of_term(&w.value, safe)));
            out
        }
        ExprKind::Unify(a, b) => outputs_of_unify(e, a, b, safe),
        ExprKind::Call(c) => outputs_of_call(e, c, arity, safe),
        ExprKind::Every(every) => outputs_of_term(&every.domain, safe),
        _ => NameSet::default(),
    }
}

/// Whether a statement is of the kind that binds variables, and what it replaces is known.
pub(crate) fn may_bind(e: &Expr, safe: &NameSet) -> bool {
    !e.negated && e.with.iter().all(|w| with_is_safe(w, safe))
}

fn with_is_safe(with: &With, safe: &NameSet) -> bool {
    let mut c = Collector::new(Skip::SAFETY);
    c.with(with);
    c.out.is_subset(safe)
}

/// Variables that iterating references bind.
fn outputs_of_term(t: &Term, safe: &NameSet) -> NameSet {
    let mut out = NameSet::default();
    crate::lower::walk::term(t, &mut |t| match &t.kind {
        TermKind::Comprehension(_) | TermKind::Template(_) => true,
        TermKind::Ref(parts) => {
            if !ref_is_safe(parts, safe) {
                return true;
            }
            let mut c = Collector::new(Skip { ref_heads: true, ..Skip::default() });
            c.terms(&parts[1..]);
            out.extend(c.out);
            false
        }
        _ => false,
    });
    out
}

pub(crate) fn outputs_of_unify(e: &Expr, a: &Term, b: &Term, safe: &NameSet) -> NameSet {
    outputs_of_sides(e, (a, b), safe, &NameSet::default())
}

/// The variables that an equation binds, where some count as known though nothing has bound them.
pub(crate) fn outputs_carrying(
    e: &Expr,
    sides: (&Term, &Term),
    safe: &NameSet,
    carried: &NameSet,
) -> NameSet {
    outputs_of_sides(e, sides, safe, carried)
}

fn outputs_of_sides(e: &Expr, (a, b): (&Term, &Term), safe: &NameSet, carried: &NameSet) -> NameSet {
    let mut known = carried.clone();
    known.extend(outputs_of_term(a, safe));
    known.extend(outputs_of_term(b, safe));
    for with in &e.with {
        known.extend(outputs_of_term(&with.value, safe));
    }
    known.extend(safe.iter().copied());
    if e.assigned {
        let lhs = crate::lower::walk::names_of(a);
        known.retain(|n| !lhs.contains(n));
    }
    let unified = super::unify::unify(&known, a, b);
    known.extend(unified);
    known.difference(safe).copied().collect()
}

/// `eq` is unification and has no result, though it can be written as a call.
fn is_equality(c: &Call) -> bool {
    matches!(&c.op.target, Target::Builtin(name) if &**name == "eq")
}

fn outputs_of_call(e: &Expr, c: &Call, arity: Arity, safe: &NameSet) -> NameSet {
    if is_equality(c) {
        return NameSet::default();
    }
    let Some(arity) = arity(&c.op.target) else { return NameSet::default() };
    let mut out = NameSet::default();
    for t in c.args.iter().chain(e.with.iter().map(|w| &w.value)) {
        out.extend(outputs_of_term(t, safe));
    }
    if arity >= c.args.len() {
        return out;
    }
    let mut inputs = Collector::new(Skip::PATTERN);
    inputs.terms(&c.args[..arity]);
    if inputs.out.iter().any(|n| !out.contains(n) && !safe.contains(n)) {
        return NameSet::default();
    }
    let mut results = Collector::new(Skip::PATTERN);
    results.terms(&c.args[arity..]);
    out.extend(results.out);
    out
}

/// Whether all that a reference starts from is bound.
pub(crate) fn ref_is_safe(parts: &[Term], safe: &NameSet) -> bool {
    match parts.first() {
        Some(Term { kind: TermKind::Var(name), .. }) => safe.contains(name),
        Some(head) => is_safe(head, safe),
        None => true,
    }
}

/// Whether all variables of a term outside closures are bound.
pub(crate) fn is_safe(t: &Term, safe: &NameSet) -> bool {
    let mut c = Collector::new(Skip::SAFETY);
    c.term(t);
    c.out.is_subset(safe)
}

/// The variables that matching a pattern binds.
pub(crate) fn pattern_names(t: &Term) -> NameSet {
    matched_names(t)
}

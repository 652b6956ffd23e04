//! Terms to operands.

use super::{Planned, Planner};
use crate::hir::{self, Comprehension, ComprehensionKind, RefHead, Term};
use crate::ir::{self, Local, Operand, StmtKind};

impl Planner<'_> {
    /// The value of a term. References with unbound steps open loops.
    pub(super) fn term(&mut self, term: &Term) -> Planned<Operand> {
        if let Some(value) = ground(term) {
            return Ok(self.constant(value));
        }
        match term {
            Term::Const(c) => Ok(self.constant(scalar(c))),
            Term::Var(var) => match self.b.value(*var) {
                Some(value) => Ok(value),
                None => self.refuse("variable is unsafe here"),
            },
            Term::Ref(r) => {
                let outer = std::mem::replace(&mut self.b.span, r.span);
                let value = self.reference(r);
                self.b.span = outer;
                value
            }
            Term::Array(items) => {
                let values = self.terms(items)?;
                Ok(Operand::Local(self.make_array(&values)))
            }
            Term::Set(items) => {
                let values = self.terms(items)?;
                let set = self.b.local();
                self.b.emit(StmtKind::MakeSet { target: set });
                values.iter().for_each(|&value| self.b.emit(StmtKind::SetAdd { value, set }));
                self.b.members.insert(set, values);
                Ok(Operand::Local(set))
            }
            Term::Object(pairs) => self.object(pairs),
            Term::Comprehension(c) => self.comprehension(c),
        }
    }

    /// The values of terms, all of them before any collection is made of them: loops may open between.
    pub(super) fn terms(&mut self, terms: &[Term]) -> Planned<Vec<Operand>> {
        terms.iter().map(|t| self.term(t)).collect()
    }

    fn object(&mut self, pairs: &[(Term, Term)]) -> Planned<Operand> {
        let mut values = Vec::with_capacity(pairs.len());
        for (key, value) in pairs {
            values.push((self.term(key)?, self.term(value)?));
        }
        let object = self.b.local();
        self.b.emit(StmtKind::MakeObject { target: object });
        for (key, value) in values {
            self.b.emit(StmtKind::ObjectInsert { key, value, object });
        }
        Ok(Operand::Local(object))
    }

    fn comprehension(&mut self, c: &Comprehension) -> Planned<Operand> {
        let target = self.b.local();
        self.b.emit(match c.kind {
            ComprehensionKind::Array(_) => StmtKind::MakeArray { capacity: 0, target },
            ComprehensionKind::Set(_) => StmtKind::MakeSet { target },
            ComprehensionKind::Object(..) => StmtKind::MakeObject { target },
        });
        let block = self.scope(|p| {
            p.body(&c.body)?;
            p.collect(&c.kind, target)
        })?;
        self.b.emit(StmtKind::Block { blocks: vec![block] });
        Ok(Operand::Local(target))
    }

    fn collect(&mut self, kind: &ComprehensionKind, target: Local) -> Planned<()> {
        match kind {
            ComprehensionKind::Array(t) => {
                let value = self.term(t)?;
                self.b.emit(StmtKind::ArrayAppend { array: target, value });
            }
            ComprehensionKind::Set(t) => {
                let value = self.term(t)?;
                self.b.emit(StmtKind::SetAdd { value, set: target });
            }
            ComprehensionKind::Object(k, v) => {
                let (key, value) = (self.term(k)?, self.term(v)?);
                self.b.emit(StmtKind::ObjectInsertOnce { key, value, object: target });
            }
        }
        Ok(())
    }

    /// Whether a term can be evaluated without binding anything.
    pub(super) fn is_bound(&self, term: &Term) -> bool {
        match term {
            Term::Const(_) | Term::Comprehension(_) => true,
            Term::Var(var) => self.b.value(*var).is_some(),
            Term::Ref(r) => self.is_head_bound(r.head) && r.steps.iter().all(|t| self.is_bound(t)),
            Term::Array(items) | Term::Set(items) => items.iter().all(|t| self.is_bound(t)),
            Term::Object(pairs) => pairs.iter().all(|(k, v)| self.is_bound(k) && self.is_bound(v)),
        }
    }

    /// Whether a reference can be walked: its other unbound variables are then bound by it.
    pub(super) fn is_head_bound(&self, head: RefHead) -> bool {
        match head {
            RefHead::Input | RefHead::Data => true,
            RefHead::Var(var) => self.b.value(var).is_some(),
        }
    }
}

/// A scalar of HIR in IR.
pub(super) fn scalar(c: &hir::Const) -> ir::Const {
    match c {
        hir::Const::Null => ir::Const::Null,
        hir::Const::Bool(b) => ir::Const::Bool(*b),
        hir::Const::Number(text) => ir::Const::Number(text.clone()),
        hir::Const::String(text) => ir::Const::String(text.clone()),
    }
}

/// The value of a term without variables, references and comprehensions.
pub(super) fn ground(term: &Term) -> Option<ir::Const> {
    match term {
        Term::Const(c) => Some(scalar(c)),
        Term::Array(items) => items.iter().map(ground).collect::<Option<_>>().map(ir::Const::Array),
        Term::Set(items) => items.iter().map(ground).collect::<Option<_>>().map(ir::Const::Set),
        Term::Object(pairs) => {
            let pairs: Option<Vec<_>> = pairs.iter().map(|(k, v)| Some((ground(k)?, ground(v)?))).collect();
            distinct(pairs?).map(ir::Const::Object)
        }
        Term::Var(_) | Term::Ref(_) | Term::Comprehension(_) => None,
    }
}

/// Objects that name a key twice are left to run time, where the last one wins (`1` and `1.0` are one key, so
/// that only keys of one spelling are compared here).
fn distinct(pairs: Vec<(ir::Const, ir::Const)>) -> Option<Vec<(ir::Const, ir::Const)>> {
    let mut seen = rustc_hash::FxHashSet::default();
    let simple = |k: &ir::Const| match k {
        ir::Const::String(_) | ir::Const::Bool(_) | ir::Const::Null => true,
        ir::Const::Number(text) => is_plain(text),
        _ => false,
    };
    let fits = pairs.len() <= 1 || pairs.iter().all(|(k, _)| simple(k) && seen.insert(k.clone()));
    fits.then_some(pairs)
}

/// Whether a number is a whole one that has this spelling alone among whole ones.
fn is_plain(number: &str) -> bool {
    let digits = number.strip_prefix('-').unwrap_or(number);
    number == "0"
        || !digits.starts_with('0') && !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

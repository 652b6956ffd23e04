//! `=` without a unifier: each equation becomes assignments, comparisons and destructuring.
//!
//! HIR's order of statements says that one side of every part is bound when its turn comes; parts of
//! one equation may bind each other (`[x, y] = [y, 1]`), so parts that are not ready wait.

use super::term::ground;
use super::{Planned, Planner};
use crate::hir::{Term, Var};
use crate::ir::{self, Operand, StmtKind};

/// Whether an equation between two terms can be planned yet.
enum Side {
    /// The left side has a value.
    Left,
    /// The right side has a value.
    Right,
    /// Both are literals of the same shape: their parts stand for them.
    Parts,
    /// Neither has a value yet.
    Later,
}

impl Planner<'_> {
    /// Makes two terms equal.
    pub(super) fn unify(&mut self, a: &Term, b: &Term) -> Planned<()> {
        let mut waiting: Vec<(&Term, &Term)> = vec![(a, b)];
        while !waiting.is_empty() {
            let before = waiting.len();
            let mut later = Vec::new();
            let mut parts = Vec::new();
            for (a, b) in waiting {
                match self.side(a, b) {
                    Side::Left => self.unify_value_of(a, b)?,
                    Side::Right => self.unify_value_of(b, a)?,
                    Side::Parts => self.split(a, b, &mut parts)?,
                    Side::Later => later.push((a, b)),
                }
            }
            if parts.is_empty() && later.len() == before {
                return self.refuse("variable is unsafe here");
            }
            waiting = parts;
            waiting.extend(later);
        }
        Ok(())
    }

    fn side(&self, a: &Term, b: &Term) -> Side {
        if self.is_bound(a) {
            return Side::Left;
        }
        if self.is_bound(b) {
            return Side::Right;
        }
        match (a, b) {
            (Term::Ref(r), _) if self.is_head_bound(r.head) => Side::Left,
            (_, Term::Ref(r)) if self.is_head_bound(r.head) => Side::Right,
            (Term::Array(_), Term::Array(_)) | (Term::Object(_), Term::Object(_)) => Side::Parts,
            _ => Side::Later,
        }
    }

    /// A variable may become bound by the very reference that it equals, as in `x = input.a[x]`.
    fn unify_value_of(&mut self, source: &Term, pattern: &Term) -> Planned<()> {
        if let (Some(a), Some(b)) = (ground(source), ground(pattern))
            && comparable(&a, &b)
        {
            return if a == b { Ok(()) } else { self.never() };
        }
        if let (Term::Array(a), Term::Array(b)) = (source, pattern) {
            return match a.len() == b.len() {
                true => a.iter().zip(b).try_for_each(|(a, b)| self.unify(a, b)),
                false => self.never(),
            };
        }
        let value = self.term(source)?;
        self.unify_operand(value, pattern)
    }

    fn never(&mut self) -> Planned<()> {
        self.fail();
        Ok(())
    }

    fn split<'t>(&mut self, a: &'t Term, b: &'t Term, parts: &mut Vec<(&'t Term, &'t Term)>) -> Planned<()> {
        match (a, b) {
            (Term::Array(a), Term::Array(b)) if a.len() == b.len() => parts.extend(a.iter().zip(b)),
            (Term::Object(a), Term::Object(b)) if a.len() == b.len() => self.split_objects(a, b, parts)?,
            _ => self.fail(),
        }
        Ok(())
    }

    /// Keys that are no literals cannot be told apart before run time when values on both sides are unbound.
    fn split_objects<'t>(
        &mut self,
        a: &'t [(Term, Term)],
        b: &'t [(Term, Term)],
        parts: &mut Vec<(&'t Term, &'t Term)>,
    ) -> Planned<()> {
        for (key, value) in a {
            match self.find_key(key, b)? {
                Some(other) => parts.push((value, other)),
                None => return self.never(),
            }
        }
        Ok(())
    }

    fn find_key<'t>(&mut self, key: &Term, pairs: &'t [(Term, Term)]) -> Planned<Option<&'t Term>> {
        for (other, value) in pairs {
            if self.same_key(key, other)? {
                return Ok(Some(value));
            }
        }
        if let [(other, value)] = pairs {
            self.unify(key, other)?;
            return Ok(Some(value));
        }
        Ok(None)
    }

    fn same_key(&mut self, a: &Term, b: &Term) -> Planned<bool> {
        Ok(match (ground(a), ground(b)) {
            (Some(a), Some(b)) => a == b,
            _ => self.is_bound(a) && self.is_bound(b) && self.term(a)? == self.term(b)?,
        })
    }

    /// Makes a value fit a pattern, binding the pattern's unbound variables.
    pub(super) fn unify_operand(&mut self, value: Operand, pattern: &Term) -> Planned<()> {
        match pattern {
            Term::Var(var) => match self.b.value(*var) {
                Some(bound) => self.equal(value, bound),
                None => self.bind(*var, value),
            },
            Term::Array(items) if !self.is_bound(pattern) => return self.unify_array(value, items),
            Term::Object(pairs) if !self.is_bound(pattern) => return self.unify_object(value, pairs),
            Term::Set(_) if !self.is_bound(pattern) => return self.refuse("variable is unsafe here"),
            _ => {
                let other = self.term(pattern)?;
                self.equal(value, other);
            }
        }
        Ok(())
    }

    /// Binds a variable to a value, which must not change under it: `input` and `data` are copied.
    pub(super) fn bind(&mut self, var: Var, value: Operand) {
        let value = match value {
            Operand::Local(ir::Local::INPUT | ir::Local::DATA) => {
                let target = self.b.local();
                self.b.emit(StmtKind::AssignVar { source: value, target });
                Operand::Local(target)
            }
            other => other,
        };
        self.b.bind(var, value);
    }

    /// Undefined unless equal; decided here for constants.
    pub(super) fn equal(&mut self, a: Operand, b: Operand) {
        match self.equal_now(a, b) {
            Some(true) => {}
            Some(false) => self.fail(),
            None => self.b.emit(StmtKind::Equal { a, b }),
        }
    }

    fn equal_now(&self, a: Operand, b: Operand) -> Option<bool> {
        match (a, b) {
            (Operand::Bool(a), Operand::Bool(b)) => Some(a == b),
            (Operand::Const(_), Operand::Const(_)) if a == b => Some(true),
            (Operand::Const(_), Operand::Const(_)) => {
                let (a, b) = (self.known(a)?, self.known(b)?);
                comparable(a, b).then(|| a == b)
            }
            (Operand::Bool(_), Operand::Const(_)) | (Operand::Const(_), Operand::Bool(_)) => Some(false),
            _ => None,
        }
    }

    fn unify_array(&mut self, value: Operand, items: &[Term]) -> Planned<()> {
        self.unify_elements(value, items.len(), &mut items.iter().enumerate())
    }

    /// Makes an array of a length fit a pattern at some of its places.
    pub(super) fn unify_elements(
        &mut self,
        value: Operand,
        length: usize,
        elements: &mut dyn Iterator<Item = (usize, &Term)>,
    ) -> Planned<()> {
        self.b.emit(StmtKind::IsArray { source: value });
        self.length_is(value, length);
        for (i, item) in elements {
            let key = self.constant(ir::Const::Number(i.to_string()));
            let target = self.b.local();
            self.b.emit(StmtKind::Dot { source: value, key, target });
            self.unify_operand(Operand::Local(target), item)?;
        }
        Ok(())
    }

    fn unify_object(&mut self, value: Operand, pairs: &[(Term, Term)]) -> Planned<()> {
        self.b.emit(StmtKind::IsObject { source: value });
        self.length_is(value, pairs.len());
        for (key, item) in pairs {
            let key = self.term(key)?;
            let target = self.b.local();
            self.b.emit(StmtKind::Dot { source: value, key, target });
            self.unify_operand(Operand::Local(target), item)?;
        }
        Ok(())
    }

    fn length_is(&mut self, value: Operand, length: usize) {
        let target = self.b.local();
        self.b.emit(StmtKind::Len { source: value, target });
        let wanted = self.constant(ir::Const::Number(length.to_string()));
        self.b.emit(StmtKind::Equal { a: Operand::Local(target), b: wanted });
    }
}

/// Whether equality of these constants is that of their texts. Numbers have many texts (`1`, `1.0`).
fn comparable(a: &ir::Const, b: &ir::Const) -> bool {
    let plain = |c: &ir::Const| matches!(c, ir::Const::Null | ir::Const::Bool(_) | ir::Const::String(_));
    let number = |c: &ir::Const| matches!(c, ir::Const::Number(_));
    (plain(a) && plain(b)) || (plain(a) && number(b)) || (number(a) && plain(b))
}

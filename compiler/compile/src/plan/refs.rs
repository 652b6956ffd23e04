//! References: steps into values, and the way from `data` through rules to base documents.

use super::lookup::Shape;
use super::trie::{GroupKind, NodeId};
use super::{FuncKey, Planned, Planner};
use crate::hir::{Const, Ref, RefHead, Term};
use crate::ir::{self, Local, Operand, StmtKind};

impl Planner<'_> {
    /// The value of a reference.
    pub(super) fn reference(&mut self, r: &Ref) -> Planned<Operand> {
        match r.head {
            RefHead::Data => self.data_ref(&r.steps),
            RefHead::Input if r.steps.is_empty() => Ok(Operand::Local(self.copy(Local::INPUT))),
            RefHead::Input => self.steps(Operand::Local(Local::INPUT), &r.steps),
            RefHead::Var(var) => match self.b.value(var) {
                Some(head) => self.steps(head, &r.steps),
                None => self.refuse("variable is unsafe here"),
            },
        }
    }

    /// A copy that a `with` around later statements cannot change; undefined if the source is.
    fn copy(&mut self, source: Local) -> Local {
        let target = self.b.local();
        self.b.emit(StmtKind::AssignVar { source: Operand::Local(source), target });
        target
    }

    /// Steps into a value: lookups where the step is bound, loops where it is not.
    pub(super) fn steps(&mut self, from: Operand, steps: &[Term]) -> Planned<Operand> {
        steps.iter().try_fold(from, |at, step| self.step(at, step))
    }

    fn step(&mut self, source: Operand, step: &Term) -> Planned<Operand> {
        if self.is_bound(step) || matches!(step, Term::Ref(_)) {
            let key = self.term(step)?;
            return Ok(self.dot(source, key));
        }
        let source = self.in_local(source);
        if let Some(members) = self.b.members.get(&source).cloned() {
            return self.each_member(&members, step);
        }
        let (key, value) = self.b.scan(source);
        self.unify_operand(Operand::Local(key), step)?;
        Ok(Operand::Local(value))
    }

    /// Goes through the elements of a set as they were written, as OPA does: equal ones come as often as they stand
    /// there, and no set need be made.
    fn each_member(&mut self, members: &[Operand], step: &Term) -> Planned<Operand> {
        let source = self.make_array(members);
        let (_, member) = self.b.scan(source);
        self.unify_operand(Operand::Local(member), step)?;
        Ok(Operand::Local(member))
    }

    /// Looks a key up.
    pub(super) fn dot(&mut self, source: Operand, key: Operand) -> Operand {
        let target = self.b.local();
        self.b.emit(StmtKind::Dot { source, key, target });
        Operand::Local(target)
    }

    /// A reference below `data`. Constant steps are walked here; from the first step on that may meet
    /// several rules, a function made for the purpose goes on.
    pub(super) fn data_ref(&mut self, steps: &[Term]) -> Planned<Operand> {
        let shadow = self.shadows.get(self.b.shadow);
        let mut node = self.trie.root();
        for at in 0..=steps.len() {
            if shadow.nodes.contains(&node) {
                return self.base(steps);
            }
            if let Some(group) = self.trie.node(node).group {
                return self.rule_ref(group, steps.get(at..).unwrap_or_default());
            }
            let Some(step) = steps.get(at) else { break };
            let Some(key) = self.constant_step(step)? else {
                return self.lookup_ref(node, steps, at);
            };
            match self.trie.child(node, &key) {
                Some(child) => node = child,
                None => return self.base(steps),
            }
        }
        Ok(Operand::Local(self.call_func(FuncKey::Extent(node), self.b.shadow, &[])?))
    }

    /// The document of a group, and steps into it.
    pub(super) fn rule_ref(&mut self, group: super::trie::GroupId, steps: &[Term]) -> Planned<Operand> {
        if let GroupKind::Function(_) = self.trie.group(group).kind {
            self.fail();
            return Ok(Operand::Bool(false));
        }
        let keys = self.leading_keys(group, steps)?;
        let value = self.document(group, &keys)?;
        let at = keys.iter().fold(Operand::Local(value), |at, &key| self.dot(at, key));
        self.steps(at, steps.get(keys.len()..).unwrap_or_default())
    }

    /// A reference that meets no rule.
    fn base(&mut self, steps: &[Term]) -> Planned<Operand> {
        if steps.is_empty() {
            return Ok(Operand::Local(self.copy(Local::DATA)));
        }
        steps.iter().try_fold(Operand::Local(Local::DATA), |at, step| match self.number(step) {
            Some((number, text)) => Ok(self.number_step(at, number, &text)),
            None => self.step(at, step),
        })
    }

    fn number(&mut self, step: &Term) -> Option<(Operand, String)> {
        let Term::Var(var) = step else {
            let Term::Const(Const::Number(text)) = step else { return None };
            return Some((self.constant(ir::Const::Number(text.clone())), text.clone()));
        };
        let value = self.b.value(*var)?;
        match self.known(value) {
            Some(ir::Const::Number(text)) => Some((value, text.clone())),
            _ => None,
        }
    }

    /// OPA's store names elements by texts: `data.a[2]` also finds the key `"2"` of a base document.
    fn number_step(&mut self, source: Operand, number: Operand, text: &str) -> Operand {
        let text = self.string(text);
        let target = self.b.local();
        self.b.emit(StmtKind::ResetLocal { target });
        self.b.open();
        self.b.emit(StmtKind::Dot { source, key: number, target });
        let by_number = self.b.close();
        self.b.open();
        self.b.emit(StmtKind::IsUndefined { source: target });
        self.b.emit(StmtKind::Dot { source, key: text, target });
        let by_text = self.b.close();
        self.b.emit(StmtKind::Block { blocks: vec![by_number, by_text] });
        self.b.emit(StmtKind::IsDefined { source: target });
        Operand::Local(target)
    }

    /// The text of a step that is a string for certain. Any other constant meets no rule, so it stands
    /// for a key that no rule has.
    fn constant_step(&mut self, step: &Term) -> Planned<Option<String>> {
        match step {
            Term::Const(Const::String(text)) => Ok(Some(text.clone())),
            Term::Const(_) => Ok(Some(NO_RULE.to_owned())),
            Term::Var(var) => match self.b.value(*var).and_then(|v| self.known(v)) {
                Some(ir::Const::String(text)) => Ok(Some(text.clone())),
                Some(_) => Ok(Some(NO_RULE.to_owned())),
                None => Ok(None),
            },
            _ => Ok(None),
        }
    }

    /// Calls the lookup function for the steps from `at` on, and loops over its rows if there can be many.
    fn lookup_ref(&mut self, node: NodeId, steps: &[Term], at: usize) -> Planned<Operand> {
        let steps = steps.get(at..).unwrap_or_default();
        let nested = self.evaluate_nested(steps)?;
        let mut shapes = Vec::with_capacity(steps.len());
        let mut args = Vec::new();
        let mut free = Vec::new();
        for (step, nested) in steps.iter().zip(nested) {
            let value = match nested {
                Some(value) => Some(value),
                None if self.is_bound(step) => Some(self.term(step)?),
                None => None,
            };
            match (step, value) {
                (Term::Const(c), _) => shapes.push(Shape::Const(c.clone())),
                (_, Some(value)) => {
                    shapes.push(Shape::Bound);
                    args.push(value);
                }
                (_, None) => {
                    shapes.push(Shape::Free);
                    free.push(step);
                }
            }
        }
        let result = self.call_func(FuncKey::Lookup(node, shapes), self.b.shadow, &args)?;
        if free.is_empty() {
            return Ok(Operand::Local(result));
        }
        let (_, row) = self.b.scan(result);
        for (i, step) in free.iter().enumerate() {
            let key = self.column(row, i);
            self.unify_operand(key, step)?;
        }
        Ok(self.column(row, free.len()))
    }

    /// References among the steps come first: they may bind what other steps are.
    fn evaluate_nested(&mut self, steps: &[Term]) -> Planned<Vec<Option<Operand>>> {
        let nested = steps.iter().map(|step| match step {
            Term::Ref(_) => self.term(step).map(Some),
            _ => Ok(None),
        });
        nested.collect()
    }
}

/// No rule path has this key: HIR's strings come from source text, which cannot hold a NUL escape here.
const NO_RULE: &str = "\u{0}not a string";

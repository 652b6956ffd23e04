//! The function of a group of rules.

use super::keyed;
use super::trie::{Group, GroupId, GroupKind};
use super::{Planned, Planner, ShadowId};
use crate::hir::{Branch, Rule, RuleKind, Term, Unit};
use crate::ir::{self, Block, Func, Local, Operand, StmtKind};
use govc_syntax::Span;

/// Where the rules of a group put their values.
#[derive(Clone, Copy)]
struct Out {
    ret: Local,
    /// Paths that hold values, where rules of the group define paths of different lengths.
    seen: Option<Local>,
    /// The longest and shortest path.
    lengths: (usize, usize),
    /// All rules give the same constant: the first solution is the answer.
    early: bool,
}

impl<'u> Planner<'u> {
    /// The function that evaluates a group, as far as it matches so many keys.
    pub(super) fn group(&mut self, id: GroupId, keys: usize, shadow: ShadowId) -> Planned<Func> {
        let unit: &'u Unit = self.unit;
        let group = self.trie.group(id);
        let (kind, path) = (group.kind, group.path.clone());
        let span = first_span(unit, group);
        let early = same_constant(unit, group) && self.marks.is_none_or(|marks| marks.early_exit);
        let lengths = path_lengths(group);
        let mut members: Vec<(&'u Rule, Vec<Term>)> = group
            .members
            .iter()
            .filter_map(|m| Some((unit.rules.get(m.rule.0 as usize)?, m.steps.clone())))
            .collect();
        if !self.whole {
            self.rank(&mut members, |(rule, _)| rule);
        }
        let args = if let GroupKind::Function(arity) = kind { arity } else { 0 };
        let (mut params, ret) = self.start(args, 0, span, shadow);
        let keys: Vec<Local> = (0..keys).map(|_| self.b.local()).collect();
        params.extend(&keys);
        let mixed = kind == GroupKind::Object && lengths.0 != lengths.1;
        let out = Out { ret, seen: mixed.then(|| self.b.local()), lengths, early };
        let mut blocks = Vec::with_capacity(members.len() + 2);
        blocks.extend(self.make_result(kind, out));
        let values = if keys.is_empty() { params.get(2..2 + args).unwrap_or_default() } else { &keys };
        for (rule, steps) in members.iter().filter(|(r, _)| !r.default) {
            blocks.push(self.rule(rule, steps, kind, values, out)?);
        }
        for (rule, _) in members.iter().filter(|(r, _)| r.default && kind != GroupKind::Object) {
            blocks.push(self.default_rule(rule, values, ret)?);
        }
        self.b.open();
        self.b.emit(StmtKind::ReturnLocal { source: ret });
        blocks.push(self.b.close());
        let generation = format!("g{}", shadow.0);
        let name = format!("{generation}.data.{}", path.join("."));
        let path = std::iter::once(generation).chain(path).collect();
        let memoize = params.len() == 2;
        Ok(Func { name, path, params, ret, blocks, memoize, span })
    }

    fn make_result(&mut self, kind: GroupKind, out: Out) -> Option<Block> {
        self.b.open();
        match kind {
            GroupKind::Complete | GroupKind::Function(_) => {}
            GroupKind::Set => self.b.emit(StmtKind::MakeSet { target: out.ret }),
            GroupKind::Object => self.b.emit(StmtKind::MakeObject { target: out.ret }),
        }
        if let Some(seen) = out.seen {
            self.b.emit(StmtKind::MakeSet { target: seen });
        }
        let block = self.b.close();
        (!block.stmts.is_empty()).then_some(block)
    }

    fn rule(
        &mut self,
        rule: &Rule,
        steps: &[Term],
        kind: GroupKind,
        values: &[Local],
        out: Out,
    ) -> Planned<Block> {
        self.b.restart(rule.scope.vars.len());
        self.b.span = rule.span;
        match rule.branches.as_slice() {
            [branch] => self.scope(|p| p.branch(rule, branch, steps, kind, values, out, None)),
            branches => self.branches(rule, branches, steps, kind, values, out),
        }
    }

    /// `else`: each branch only where none before it gave a value.
    fn branches(
        &mut self,
        rule: &Rule,
        branches: &[Branch],
        steps: &[Term],
        kind: GroupKind,
        values: &[Local],
        out: Out,
    ) -> Planned<Block> {
        let result = self.b.local();
        self.b.open();
        self.b.emit(StmtKind::ResetLocal { target: result });
        let mut blocks = Vec::with_capacity(branches.len());
        for (i, branch) in branches.iter().enumerate() {
            self.b.restart(rule.scope.vars.len());
            blocks.push(self.scope(|p| {
                if i > 0 {
                    p.b.emit(StmtKind::IsUndefined { source: result });
                }
                p.branch(rule, branch, steps, kind, values, out, Some(result))
            })?);
        }
        self.b.emit(StmtKind::Block { blocks });
        if matches!(kind, GroupKind::Complete | GroupKind::Function(_)) {
            self.b.emit(StmtKind::IsDefined { source: result });
            let source = Operand::Local(result);
            self.b.emit(StmtKind::AssignVarOnce { source, target: out.ret });
        }
        Ok(self.b.close())
    }

    #[expect(clippy::too_many_arguments, reason = "they are the context of one rule, made nowhere else")]
    fn branch(
        &mut self,
        rule: &Rule,
        branch: &Branch,
        steps: &[Term],
        kind: GroupKind,
        values: &[Local],
        out: Out,
        result: Option<Local>,
    ) -> Planned<()> {
        for (param, &value) in rule.params.iter().flatten().zip(values) {
            self.unify_operand(Operand::Local(value), param)?;
        }
        let head = if kind.has_keys() { keyed::head(rule, branch, steps) } else { Vec::new() };
        self.match_keys(&head, values, true)?;
        self.conditions(rule, branch)?;
        self.body_of_rule(rule, branch)?;
        self.match_keys(&head, values, false)?;
        let value = self.term(&branch.value)?;
        self.b.span = branch.span;
        self.mark(branch.head_span);
        match kind {
            GroupKind::Complete | GroupKind::Function(_) => {
                self.complete(value, out, result);
                Ok(())
            }
            GroupKind::Set => {
                self.b.emit(StmtKind::SetAdd { value, set: out.ret });
                Ok(())
            }
            GroupKind::Object => {
                if let Some(target) = result {
                    self.b.emit(StmtKind::AssignVar { source: Operand::Bool(true), target });
                }
                self.insert(rule.kind, steps, value, out)
            }
        }
    }

    fn complete(&mut self, value: Operand, out: Out, result: Option<Local>) {
        if out.early {
            self.b.emit(StmtKind::AssignVar { source: value, target: out.ret });
            self.b.emit(StmtKind::ReturnLocal { source: out.ret });
            return;
        }
        let target = result.unwrap_or(out.ret);
        self.b.emit(StmtKind::AssignVarOnce { source: value, target });
    }

    fn default_rule(&mut self, rule: &Rule, values: &[Local], ret: Local) -> Planned<Block> {
        self.b.restart(rule.scope.vars.len());
        self.b.span = rule.span;
        self.scope(|p| {
            p.b.emit(StmtKind::IsUndefined { source: ret });
            for (param, &value) in rule.params.iter().flatten().zip(values) {
                p.unify_operand(Operand::Local(value), param)?;
            }
            for branch in &rule.branches {
                p.body(&branch.body)?;
                let value = p.term(&branch.value)?;
                super::marks::default(rule).into_iter().for_each(|place| p.mark(place));
                p.b.emit(StmtKind::AssignVar { source: value, target: ret });
            }
            Ok(())
        })
    }

    /// Puts a value at a path of the object that the group defines.
    fn insert(&mut self, kind: RuleKind, steps: &[Term], value: Operand, out: Out) -> Planned<()> {
        let keys = self.terms(steps)?;
        if let Some(seen) = out.seen {
            self.check_prefixes(&keys, seen, out.lengths);
        }
        let Some((&last, inner)) = keys.split_last() else {
            return self.refuse("rule defines a document and a part of it");
        };
        let mut objects = vec![out.ret];
        let mut at = out.ret;
        for &key in inner {
            at = self.child(at, key, |target| StmtKind::MakeObject { target });
            objects.push(at);
        }
        match kind {
            RuleKind::Single => self.b.emit(StmtKind::ObjectInsertOnce { key: last, value, object: at }),
            RuleKind::Multi => {
                let set = self.child(at, last, |target| StmtKind::MakeSet { target });
                self.b.emit(StmtKind::SetAdd { value, set });
                self.b.emit(StmtKind::ObjectInsert { key: last, value: Operand::Local(set), object: at });
            }
        }
        for ((&key, &object), &child) in inner.iter().zip(&objects).zip(objects.iter().skip(1)).rev() {
            self.b.emit(StmtKind::ObjectInsert { key, value: Operand::Local(child), object });
        }
        Ok(())
    }

    /// The collection under a key of an object that is being made; a new one where there is none.
    fn child(&mut self, object: Local, key: Operand, make: impl FnOnce(Local) -> StmtKind) -> Local {
        let target = self.b.local();
        self.b.open();
        self.b.open();
        self.b.emit(StmtKind::Dot { source: Operand::Local(object), key, target });
        self.b.emit(StmtKind::Break { index: 1 });
        let inner = self.b.close();
        self.b.emit(StmtKind::Block { blocks: vec![inner] });
        self.b.emit(make(target));
        let outer = self.b.close();
        self.b.emit(StmtKind::Block { blocks: vec![outer] });
        target
    }

    /// A path may not go through a value: that is a conflict of keys.
    fn check_prefixes(&mut self, keys: &[Operand], seen: Local, (shortest, longest): (usize, usize)) {
        for length in shortest..keys.len() {
            let prefix = self.make_array(keys.get(..length).unwrap_or_default());
            self.b.open();
            self.dot(Operand::Local(seen), Operand::Local(prefix));
            self.raise_key_conflict();
            let block = self.b.close();
            self.b.emit(StmtKind::Block { blocks: vec![block] });
        }
        if keys.len() < longest {
            let value = Operand::Local(self.make_array(keys));
            self.b.emit(StmtKind::SetAdd { value, set: seen });
        }
    }

    fn raise_key_conflict(&mut self) {
        let object = self.b.local();
        let key = self.constant(ir::Const::Null);
        self.b.emit(StmtKind::MakeObject { target: object });
        for value in [false, true] {
            let value = Operand::Bool(value);
            self.b.emit(StmtKind::ObjectInsertOnce { key, value, object });
        }
    }
}

fn first_span(unit: &Unit, group: &Group) -> Span {
    let rule = group.members.first().and_then(|m| unit.rules.get(m.rule.0 as usize));
    rule.map(|r| r.span).unwrap_or_default()
}

fn path_lengths(group: &Group) -> (usize, usize) {
    let lengths = || group.members.iter().map(|m| m.steps.len());
    (lengths().min().unwrap_or(0), lengths().max().unwrap_or(0))
}

/// Whether all branches give one constant, so that no conflict can be seen after the first solution.
/// OPA leaves off there too.
fn same_constant(unit: &Unit, group: &Group) -> bool {
    let rules = group.members.iter().filter_map(|m| unit.rules.get(m.rule.0 as usize));
    let mut values =
        rules.filter(|r| !r.default).flat_map(|r| &r.branches).map(|b| super::term::ground(&b.value));
    let Some(first) = values.next().flatten() else { return false };
    values.all(|v| v.as_ref() == Some(&first))
}

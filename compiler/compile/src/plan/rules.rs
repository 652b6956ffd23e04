//! The function of a group of rules.

use super::keyed;
use super::trie::{Group, GroupId, GroupKind, Member};
use super::{Planned, Planner, ShadowId};
use crate::hir::{Rule, RuleKind, Term, Unit};
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
}

/// A rule of a group.
struct Asked<'u> {
    rule: &'u Rule,
    steps: Vec<Term>,
    /// For each branch, whether its first solution is the answer.
    decisive: Vec<bool>,
}

impl<'u> Planner<'u> {
    /// The function that evaluates a group, as far as it matches so many keys.
    pub(super) fn group(&mut self, id: GroupId, keys: usize, shadow: ShadowId) -> Planned<Func> {
        let unit: &'u Unit = self.unit;
        let group = self.trie.group(id);
        let (kind, path) = (group.kind, group.path.clone());
        let span = first_span(unit, group);
        let lengths = path_lengths(group);
        let members = self.asked(group);
        let args = if let GroupKind::Function(arity) = kind { arity } else { 0 };
        let (mut params, ret) = self.start(args, 0, span, shadow);
        let keys: Vec<Local> = (0..keys).map(|_| self.b.local()).collect();
        params.extend(&keys);
        let mixed = kind == GroupKind::Object && lengths.0 != lengths.1;
        let out = Out { ret, seen: mixed.then(|| self.b.local()), lengths };
        let mut blocks = Vec::with_capacity(members.len() + 2);
        blocks.extend(self.make_result(kind, out));
        let values = if keys.is_empty() { params.get(2..2 + args).unwrap_or_default() } else { &keys };
        for asked in members.iter().filter(|asked| !asked.rule.default) {
            blocks.push(self.rule(asked, kind, values, out)?);
        }
        for asked in members.iter().filter(|asked| asked.rule.default && kind != GroupKind::Object) {
            blocks.push(self.default_rule(asked.rule, values, ret)?);
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

    /// The rules of a group in the order in which they are asked.
    fn asked(&self, group: &Group) -> Vec<Asked<'u>> {
        let unit: &'u Unit = self.unit;
        let of_member = |member: &Member| {
            let rule = unit.rules.get(member.rule.0 as usize)?;
            Some(Asked { rule, steps: member.steps.clone(), decisive: vec![false; rule.branches.len()] })
        };
        let all = group.members.iter().filter_map(of_member);
        let (defaults, rules): (Vec<Asked>, Vec<Asked>) = all.partition(|a| a.rule.default);
        let mut rules = self.in_order(rules, group.kind);
        rules.extend(defaults);
        rules
    }

    fn in_order(&self, mut asked: Vec<Asked<'u>>, kind: GroupKind) -> Vec<Asked<'u>> {
        let rules: Vec<&Rule> = asked.iter().map(|a| a.rule).collect();
        let values: Vec<Vec<_>> = rules
            .iter()
            .map(|r| r.branches.iter().map(|b| super::term::ground(&b.value)).collect())
            .collect();
        let shows_order = self.shows_order(&rules);
        let leaves_early = !kind.has_keys() && self.marks.is_none_or(|marks| marks.early_exit);
        let same = same_constant(&values);
        if leaves_early && same {
            asked.iter_mut().for_each(|a| a.decisive.fill(true));
        }
        if self.whole || !shows_order && (same || !leaves_early) {
            return asked;
        }
        let index = self.index(&rules);
        if leaves_early && !same {
            asked.iter_mut().zip(index.decisive(&values)).for_each(|(a, decisive)| a.decisive = decisive);
        }
        if !shows_order {
            return asked;
        }
        let mut places: Vec<Option<Asked>> = asked.into_iter().map(Some).collect();
        index.order().into_iter().filter_map(|at| places.get_mut(at)?.take()).collect()
    }

    fn rule(&mut self, asked: &Asked, kind: GroupKind, values: &[Local], out: Out) -> Planned<Block> {
        let rule = asked.rule;
        self.b.restart(rule.scope.vars.len());
        self.b.span = rule.span;
        match rule.branches.len() {
            1 => self.scope(|p| p.branch(asked, 0, kind, values, out, None)),
            _ => self.branches(asked, kind, values, out),
        }
    }

    /// `else`: each branch only where none before it gave a value.
    fn branches(&mut self, asked: &Asked, kind: GroupKind, values: &[Local], out: Out) -> Planned<Block> {
        let rule = asked.rule;
        let result = self.b.local();
        self.b.open();
        self.b.emit(StmtKind::ResetLocal { target: result });
        let mut blocks = Vec::with_capacity(rule.branches.len());
        for i in 0..rule.branches.len() {
            self.b.restart(rule.scope.vars.len());
            blocks.push(self.scope(|p| {
                if i > 0 {
                    p.b.emit(StmtKind::IsUndefined { source: result });
                }
                p.branch(asked, i, kind, values, out, Some(result))
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

    fn branch(
        &mut self,
        asked: &Asked,
        number: usize,
        kind: GroupKind,
        values: &[Local],
        out: Out,
        result: Option<Local>,
    ) -> Planned<()> {
        let Asked { rule, steps, decisive } = asked;
        let Some(branch) = rule.branches.get(number) else { return Ok(()) };
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
                match decisive.get(number) {
                    Some(true) => self.answer(value, out),
                    _ => self.complete(value, out, result),
                }
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

    fn answer(&mut self, value: Operand, out: Out) {
        self.b.emit(StmtKind::AssignVar { source: value, target: out.ret });
        self.b.emit(StmtKind::ReturnLocal { source: out.ret });
    }

    fn complete(&mut self, value: Operand, out: Out, result: Option<Local>) {
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
fn same_constant(values: &[Vec<Option<ir::Const>>]) -> bool {
    let mut values = values.iter().flatten();
    let Some(Some(first)) = values.next() else { return false };
    values.all(|v| v.as_ref() == Some(first))
}

//! Runs of statements that become one instruction.

use super::call::comparison;
use super::function::{Emit, FunctionEmitter};
use crate::ir::{Callee, Local, Operand, Stmt, StmtKind};
use govc_bytecode::Op;

impl FunctionEmitter<'_, '_> {
    /// Emits what the first statements mean together; how many they are, 0 where there is no such run.
    pub(super) fn fused(&mut self, stmts: &[Stmt]) -> Emit<usize> {
        match stmts.first().map(|s| &s.kind) {
            Some(StmtKind::Call { callee: Callee::Builtin(_), .. }) => self.compare_and_test(stmts),
            Some(StmtKind::Dot { source: Operand::Local(_), .. }) => self.path(stmts),
            Some(StmtKind::IsDefined { source }) => self.question(stmts, *source, None),
            Some(StmtKind::AssignVar { source: Operand::Local(source), target }) => {
                self.question(stmts, *source, Some(*target))
            }
            Some(StmtKind::MakeArray { target, .. }) => self.array(stmts, *target),
            Some(StmtKind::MakeSet { target }) => self.set(stmts, *target),
            Some(StmtKind::MakeObject { target }) => self.object(stmts, *target),
            _ => Ok(0),
        }
    }

    /// Nothing else reads or writes it than the one statement that makes it and the one that uses it.
    fn used_once(&self, local: Local) -> bool {
        self.variable(local).is_ok_and(|p| p.facts.reads == 1 && p.facts.writes == 1 && !p.facts.builds)
    }

    /// `r := a < b; r != false`.
    fn compare_and_test(&mut self, stmts: &[Stmt]) -> Emit<usize> {
        let [Stmt { kind: StmtKind::Call { callee: Callee::Builtin(id), args, result }, .. }, test, ..] =
            stmts
        else {
            return Ok(0);
        };
        let ([a, b], true) = (args.as_slice(), tests(&test.kind, *result) && self.used_once(*result)) else {
            return Ok(0);
        };
        let policy = self.out.policy;
        let Some(name) = policy.builtins.get(id.0 as usize).map(|b| b.name.as_str()) else { return Ok(0) };
        let Some(make) = comparison(name) else { return Ok(0) };
        let fail = self.fail()?;
        if matches!(name, "eq" | "equal" | "neq") {
            let kind = match name {
                "neq" => StmtKind::NotEqual { a: *a, b: *b },
                _ => StmtKind::Equal { a: *a, b: *b },
            };
            self.stmt(&kind)?;
            return Ok(2);
        }
        let (a, b) = (self.operand(*a)?, self.operand(*b)?);
        self.push(make(a, b, fail));
        Ok(2)
    }

    /// A chain of constant string keys whose intermediate values nobody else reads; possibly compared.
    fn path(&mut self, stmts: &[Stmt]) -> Emit<usize> {
        let Some(StmtKind::Dot { source: Operand::Local(first), .. }) = stmts.first().map(|s| &s.kind) else {
            return Ok(0);
        };
        if self.variable(*first)?.builder.is_some() {
            return Ok(0);
        }
        let (mut keys, mut at, mut end) = (Vec::new(), *first, *first);
        for stmt in stmts {
            let StmtKind::Dot { source: Operand::Local(source), key, target } = &stmt.kind else { break };
            let continues = *source == at && (keys.is_empty() || self.used_once(at));
            let plain = self.variable(*target)?.builder.is_none();
            let Some(key) = self.operand_string(*key)?.filter(|_| continues && plain) else { break };
            keys.push(key);
            (at, end) = (*target, *target);
        }
        self.finish_path(stmts, *first, keys, end)
    }

    fn finish_path(&mut self, stmts: &[Stmt], first: Local, keys: Vec<u32>, end: Local) -> Emit<usize> {
        let taken = keys.len();
        let truthy =
            taken > 0 && self.used_once(end) && stmts.get(taken).is_some_and(|s| tests(&s.kind, end));
        if truthy {
            let (src, fail, keys) = (self.value(first)?, self.fail()?, self.out.list(keys));
            self.push(Op::PathTruthy { src, keys, fail });
            return Ok(taken + 1);
        }
        let equal = match stmts.get(taken).map(|s| &s.kind) {
            Some(StmtKind::Equal { a: Operand::Local(l), b })
            | Some(StmtKind::Equal { a: b, b: Operand::Local(l) })
                if *l == end && taken > 0 && self.used_once(end) =>
            {
                self.operand_literal(*b)?
            }
            _ => None,
        };
        if taken < 2 && equal.is_none() {
            return Ok(0);
        }
        let (src, fail, keys) = (self.value(first)?, self.fail()?, self.out.list(keys));
        match equal {
            Some(lit) => self.push(Op::PathEqualLit { src, keys, lit, fail }),
            None => {
                if first == Local::DATA || self.variable(first)?.data {
                    self.mark_data(end);
                }
                self.write(end, |dst| Op::Path { dst, src, keys, fail })?;
                self.found_in(end, &[Operand::Local(first)])?;
            }
        }
        Ok(taken + usize::from(equal.is_some()))
    }

    fn array(&mut self, stmts: &[Stmt], target: Local) -> Emit<usize> {
        let items = self.run(stmts, target, |kind| match kind {
            StmtKind::ArrayAppend { array, value } => Some((*array, [*value])),
            _ => None,
        });
        let Some(items) = items else { return Ok(0) };
        let taken = items.len() + 1;
        let items = self.registers(items.iter().flatten())?;
        let (items, fail) = (self.out.list(items), self.fail()?);
        self.write_made(target, |dst| Op::NewArray { dst, items, fail })?;
        Ok(taken)
    }

    fn set(&mut self, stmts: &[Stmt], target: Local) -> Emit<usize> {
        let items = self.run(stmts, target, |kind| match kind {
            StmtKind::SetAdd { set, value } => Some((*set, [*value])),
            _ => None,
        });
        let Some(items) = items else { return Ok(0) };
        let taken = items.len() + 1;
        let items = self.registers(items.iter().flatten())?;
        let (items, fail) = (self.out.list(items), self.fail()?);
        self.write_made(target, |dst| Op::NewSet { dst, items, fail })?;
        Ok(taken)
    }

    fn object(&mut self, stmts: &[Stmt], target: Local) -> Emit<usize> {
        let entries = self.run(stmts, target, |kind| match kind {
            StmtKind::ObjectInsert { key, value, object } => Some((*object, [*key, *value])),
            _ => None,
        });
        let Some(entries) = entries else { return Ok(0) };
        let taken = entries.len() + 1;
        let Some(entries) = self.sorted_entries(&entries)? else { return Ok(0) };
        let keys = self.out.list(entries.iter().map(|&(key, _)| key).collect());
        let values = self.registers(entries.iter().map(|(_, value)| value))?;
        let (values, fail) = (self.out.list(values), self.fail()?);
        self.write_made(target, |dst| Op::NewObject { dst, keys, values, fail })?;
        Ok(taken)
    }

    /// Entries by their keys, if these are distinct strings.
    fn sorted_entries(&mut self, entries: &[[Operand; 2]]) -> Emit<Option<Vec<(u32, Operand)>>> {
        let mut sorted = Vec::with_capacity(entries.len());
        for &[key, value] in entries {
            let Some(lit) = self.operand_string(key)? else { return Ok(None) };
            sorted.push((lit, value));
        }
        let literals = &self.out.program.literals;
        let text = |lit: u32| literals.get(lit as usize).cloned();
        sorted.sort_by_cached_key(|&(lit, _)| text(lit));
        let distinct = sorted.windows(2).all(|w| matches!(w, [a, b] if a.0 != b.0));
        Ok(distinct.then_some(sorted))
    }

    /// The operands of all statements that fill a collection, if they follow where it is made and nothing
    /// else ever changes it.
    fn run<const N: usize>(
        &self,
        stmts: &[Stmt],
        target: Local,
        part: impl Fn(&StmtKind) -> Option<(Local, [Operand; N])>,
    ) -> Option<Vec<[Operand; N]>> {
        let place = self.variable(target).ok()?;
        let parts = stmts.iter().skip(1).map_while(|s| part(&s.kind));
        let own: Vec<[Operand; N]> = parts.take_while(|(l, _)| *l == target).map(|(_, o)| o).collect();
        let changed_later = stmts.iter().skip(1 + own.len()).any(|s| changes(&s.kind, target));
        let plain = place.facts.writes == 1
            && !place.facts.reset
            && !own.iter().flatten().any(|o| *o == Operand::Local(target));
        (plain && !changed_later && self.at_home(target)).then_some(own)
    }

    fn registers<'o>(&mut self, operands: impl Iterator<Item = &'o Operand>) -> Emit<Vec<u32>> {
        operands.map(|&o| self.operand(o)).collect()
    }

    /// Writes a finished collection to a local, which needs its builder register no longer.
    fn write_made(&mut self, target: Local, op: impl FnOnce(u32) -> Op) -> Emit<()> {
        let dst = self.finished(target)?;
        self.push(op(dst));
        Ok(())
    }
}

fn tests(kind: &StmtKind, local: Local) -> bool {
    let this = Operand::Local(local);
    match kind {
        StmtKind::IsTruthy { source } => *source == this,
        StmtKind::NotEqual { a, b } => {
            (*a == this && *b == Operand::Bool(false)) || (*b == this && *a == Operand::Bool(false))
        }
        _ => false,
    }
}

/// Does a statement, or one inside it, change a collection in place?
fn changes(kind: &StmtKind, local: Local) -> bool {
    let here = match kind {
        StmtKind::ArrayAppend { array: l, .. }
        | StmtKind::SetAdd { set: l, .. }
        | StmtKind::ObjectInsert { object: l, .. }
        | StmtKind::ObjectInsertOnce { object: l, .. } => *l == local,
        _ => false,
    };
    here || kind.blocks().iter().flat_map(|b| &b.stmts).any(|s| changes(&s.kind, local))
}

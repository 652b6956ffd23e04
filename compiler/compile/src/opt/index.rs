//! The first rule index: where bodies test one value against constants, a switch picks the bodies to try.
//!
//! All bodies that could hold are still tried, in order, so conflicts and `else` stay as they were. Only
//! tests that come before anything that could fail with an error count.

use super::share::changes;
use crate::ir::{Block, Callee, Const, ConstId, Func, Local, Operand, Policy, StmtKind};
use rustc_hash::{FxHashMap, FxHashSet};

/// Fewer bodies than this are tried faster than they are looked up.
const MIN_BODIES: usize = 4;

/// Builtins that have a result for all arguments.
const TOTAL: [&str; 6] = ["equal", "neq", "lt", "lte", "gt", "gte"];

/// Builds switches in every function.
pub(super) fn run(policy: &mut Policy) {
    let total = policy.builtins.iter().map(|b| TOTAL.contains(&b.name.as_str())).collect();
    let pass = Index { consts: &policy.consts, total };
    policy.funcs.iter_mut().for_each(|f| pass.func(f));
}

struct Index<'p> {
    consts: &'p [Const],
    total: Vec<bool>,
}

/// A test of a body: the local, the constants that it can be, and the statement if it only says that.
struct Test {
    local: Local,
    values: Vec<ConstId>,
    stmt: Option<usize>,
}

impl Index<'_> {
    fn func(&self, func: &mut Func) {
        let fixed = fixed_locals(func);
        let blocks = std::mem::take(&mut func.blocks);
        func.blocks = self.indexed(blocks, &fixed);
    }

    /// The same blocks with runs of them behind switches.
    fn indexed(&self, blocks: Vec<Block>, fixed: &FxHashSet<Local>) -> Vec<Block> {
        if blocks.len() < MIN_BODIES {
            return blocks;
        }
        let tests: Vec<Vec<Test>> = blocks.iter().map(|b| self.tests(b, fixed)).collect();
        let Some(local) = most_tested(&tests) else { return blocks };
        let mut rest = fixed.clone();
        rest.remove(&local);
        let mut done = Vec::new();
        let mut run: Vec<(Block, Test)> = Vec::new();
        for (block, tests) in blocks.into_iter().zip(tests) {
            match tests.into_iter().find(|t| t.local == local) {
                Some(test) => run.push((block, test)),
                None => {
                    self.close_run(local, std::mem::take(&mut run), &rest, &mut done);
                    done.push(block);
                }
            }
        }
        self.close_run(local, run, &rest, &mut done);
        done
    }

    fn close_run(
        &self,
        local: Local,
        run: Vec<(Block, Test)>,
        rest: &FxHashSet<Local>,
        done: &mut Vec<Block>,
    ) {
        if run.len() < MIN_BODIES {
            done.extend(run.into_iter().map(|(b, _)| b));
            return;
        }
        let Some(span) = run.iter().find_map(|(b, _)| b.stmts.first()).map(|s| s.span) else { return };
        let kind = self.switch(local, run, rest);
        done.push(Block { stmts: vec![crate::ir::Stmt { kind, span }] });
    }

    fn switch(&self, local: Local, run: Vec<(Block, Test)>, rest: &FxHashSet<Local>) -> StmtKind {
        let single = run.iter().all(|(_, t)| t.values.len() == 1);
        let mut blocks = Vec::with_capacity(run.len());
        let mut cases: Vec<(ConstId, Vec<Block>)> = Vec::new();
        let mut lists: Vec<(ConstId, Vec<u32>)> = Vec::new();
        let mut at: FxHashMap<ConstId, usize> = FxHashMap::default();
        for (mut block, test) in run {
            if let (true, Some(stmt)) = (single, test.stmt) {
                block.stmts.remove(stmt);
                block.stmts.retain(|s| !matches!(s.kind, StmtKind::IsDefined { source } if source == local));
            }
            let number = blocks.len() as u32;
            for &value in &test.values {
                let case = *at.entry(value).or_insert(lists.len());
                if case == lists.len() {
                    lists.push((value, Vec::new()));
                    cases.push((value, Vec::new()));
                }
                lists[case].1.push(number);
            }
            match (single, test.values.first().and_then(|v| at.get(v))) {
                (true, Some(&case)) => cases[case].1.push(block),
                _ => blocks.push(block),
            }
        }
        if single {
            lists = self.nested(cases, rest, &mut blocks);
        }
        StmtKind::Switch { source: Operand::Local(local), cases: lists, default: Vec::new(), blocks }
    }

    /// Bodies that belong to one case each may be behind a further switch.
    fn nested(
        &self,
        cases: Vec<(ConstId, Vec<Block>)>,
        rest: &FxHashSet<Local>,
        blocks: &mut Vec<Block>,
    ) -> Vec<(ConstId, Vec<u32>)> {
        let mut lists = Vec::with_capacity(cases.len());
        for (value, bodies) in cases {
            let first = blocks.len() as u32;
            blocks.extend(self.indexed(bodies, rest));
            lists.push((value, (first..blocks.len() as u32).collect()));
        }
        lists
    }

    /// The tests of a body before its first statement that could raise an error.
    fn tests(&self, block: &Block, fixed: &FxHashSet<Local>) -> Vec<Test> {
        let mut tests = Vec::new();
        for (at, stmt) in block.stmts.iter().enumerate() {
            match stmt.kind {
                StmtKind::Equal { a, b } => tests.extend(self.equality(a, b, at)),
                StmtKind::Dot { source: Operand::Const(set), key: Operand::Local(local), .. } => {
                    tests.extend(self.membership(set, local));
                }
                _ => {}
            }
            if !self.is_silent(&stmt.kind) {
                break;
            }
        }
        tests.retain(|t: &Test| fixed.contains(&t.local));
        tests
    }

    fn equality(&self, a: Operand, b: Operand, at: usize) -> Option<Test> {
        let (local, value) = match (a, b) {
            (Operand::Local(local), Operand::Const(value)) => (local, value),
            (Operand::Const(value), Operand::Local(local)) => (local, value),
            _ => return None,
        };
        let simple = self.consts.get(value.0 as usize).is_some_and(has_one_text);
        simple.then(|| Test { local, values: vec![value], stmt: Some(at) })
    }

    /// Elements must be constants of their own to be cases; where one is not, there is no test.
    fn membership(&self, set: ConstId, local: Local) -> Option<Test> {
        let Some(Const::Set(items)) = self.consts.get(set.0 as usize) else { return None };
        let find = |item: &Const| self.consts.iter().position(|c| c == item).map(|i| ConstId(i as u32));
        let few = items.len() <= 8 && self.consts.len() <= 1_000;
        let values: Vec<ConstId> = match few {
            true => items.iter().filter(|i| has_one_text(i)).filter_map(find).collect(),
            false => return None,
        };
        (values.len() == items.len()).then_some(Test { local, values, stmt: None })
    }

    /// Neither an error nor anything else can be seen of it but that it is undefined.
    fn is_silent(&self, kind: &StmtKind) -> bool {
        match kind {
            StmtKind::Dot { .. }
            | StmtKind::Equal { .. }
            | StmtKind::NotEqual { .. }
            | StmtKind::IsArray { .. }
            | StmtKind::IsObject { .. }
            | StmtKind::IsSet { .. }
            | StmtKind::IsDefined { .. }
            | StmtKind::IsUndefined { .. }
            | StmtKind::IsTruthy { .. }
            | StmtKind::AssignVar { .. }
            | StmtKind::ResetLocal { .. }
            | StmtKind::Len { .. }
            | StmtKind::MakeArray { .. }
            | StmtKind::MakeObject { .. }
            | StmtKind::MakeSet { .. } => true,
            StmtKind::Call { callee: Callee::Builtin(id), .. } => {
                self.total.get(id.0 as usize).copied().unwrap_or(false)
            }
            _ => false,
        }
    }
}

/// Strings and small integers are equal only to themselves as written.
fn has_one_text(value: &Const) -> bool {
    match value {
        Const::String(_) => true,
        Const::Number(text) => text.parse::<i32>().is_ok_and(|n| n.to_string() == *text),
        _ => false,
    }
}

/// The local that most bodies test.
fn most_tested(tests: &[Vec<Test>]) -> Option<Local> {
    let mut counts: FxHashMap<Local, usize> = FxHashMap::default();
    for test in tests.iter().flatten() {
        *counts.entry(test.local).or_default() += 1;
    }
    let best = counts.into_iter().max_by_key(|&(local, n)| (n, std::cmp::Reverse(local)))?;
    (best.1 >= MIN_BODIES).then_some(best.0)
}

/// Locals whose value is settled before the first body: parameters, and what only the first block writes
/// where that is the block of moved lookups.
fn fixed_locals(func: &Func) -> FxHashSet<Local> {
    let mut fixed: FxHashSet<Local> = func.params.iter().skip(2).copied().collect();
    let mut written = FxHashSet::default();
    if let Some(first) = func.blocks.first().filter(|b| is_prelude(b)) {
        collect_changes(first, &mut fixed);
    }
    func.blocks.iter().skip(1).for_each(|b| collect_changes(b, &mut written));
    fixed.retain(|l| !written.contains(l) && *l != func.ret);
    fixed
}

fn is_prelude(block: &Block) -> bool {
    matches!(block.stmts.first().map(|s| &s.kind), Some(StmtKind::ResetLocal { .. }))
        && matches!(block.stmts.last().map(|s| &s.kind), Some(StmtKind::Block { .. }))
        && block.stmts.iter().rev().skip(1).all(|s| matches!(s.kind, StmtKind::ResetLocal { .. }))
}

fn collect_changes(block: &Block, found: &mut FxHashSet<Local>) {
    let mut work = vec![block];
    while let Some(block) = work.pop() {
        for stmt in &block.stmts {
            changes(&stmt.kind, &mut |l| {
                found.insert(l);
            });
            work.extend(stmt.kind.blocks());
        }
    }
}

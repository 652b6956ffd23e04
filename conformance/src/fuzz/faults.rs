//! Faults that are planted on our side, to see that a campaign finds them.

use govc_compile::hir::Unit;
use govc_compile::ir::{Block, Callee, Const, ConstId, Local, Operand, Policy, Stmt, StmtKind};

/// A fault of a compiler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// `<` is `<=`.
    LooseComparison,
    /// A rule may have two values; the last one counts.
    LostConflict,
    /// `with` replaces nothing.
    DroppedWith,
    /// `not` is not read.
    IgnoredNot,
    /// The branches of `else` are tried from the last to the first.
    ElseBackwards,
    /// Constant positions in arrays are one too high.
    OffByOne,
    /// Sets keep the order in which they were filled, and what is in them twice.
    SetAsArray,
    /// `default` is not read.
    LostDefault,
    /// A builtin that fails gives null.
    ErrorAsNull,
    /// What a rule gave without `with` is taken for what it gives under it.
    StaleMemo,
}

impl Fault {
    /// All of them.
    pub const ALL: [Fault; 10] = [
        Fault::LooseComparison,
        Fault::LostConflict,
        Fault::DroppedWith,
        Fault::IgnoredNot,
        Fault::ElseBackwards,
        Fault::OffByOne,
        Fault::SetAsArray,
        Fault::LostDefault,
        Fault::ErrorAsNull,
        Fault::StaleMemo,
    ];

    /// Plants it in what checking made.
    pub fn plant_in_unit(self, unit: &mut Unit) {
        match self {
            Fault::ElseBackwards => unit.rules.iter_mut().for_each(|rule| rule.branches.reverse()),
            Fault::LostDefault => unit.rules.retain(|rule| !rule.default),
            _ => {}
        }
    }

    /// Plants it in what planning made.
    pub fn plant_in_policy(self, policy: &mut Policy) {
        if self == Fault::LooseComparison {
            let less = policy.builtins.iter_mut().filter(|builtin| builtin.name == "lt");
            less.for_each(|builtin| builtin.name = "lte".to_owned());
            return;
        }
        let mut site =
            Site { fault: self, next: highest(policy) + 1, consts: policy.consts.clone(), memo: Vec::new() };
        site.memo = policy.funcs.iter().map(|f| f.memoize).collect();
        policy.plans.iter_mut().for_each(|plan| site.blocks(&mut plan.blocks));
        policy.funcs.iter_mut().for_each(|func| site.blocks(&mut func.blocks));
        policy.consts = site.consts;
    }
}

/// The highest local of a program.
fn highest(policy: &Policy) -> u32 {
    let mut highest = 1;
    fn visit(blocks: &[Block], highest: &mut u32) {
        for stmt in blocks.iter().flat_map(|b| &b.stmts) {
            stmt.kind.operands(&mut |o| {
                if let Operand::Local(local) = o {
                    *highest = (*highest).max(local.0);
                }
            });
            stmt.kind.used_locals(&mut |local| *highest = (*highest).max(local.0));
            stmt.kind.targets(&mut |local| *highest = (*highest).max(local.0));
            visit(stmt.kind.blocks(), highest);
        }
    }
    policy.plans.iter().for_each(|plan| visit(&plan.blocks, &mut highest));
    for func in &policy.funcs {
        highest = func.params.iter().chain([&func.ret]).fold(highest, |h, l| h.max(l.0));
        visit(&func.blocks, &mut highest);
    }
    highest
}

struct Site {
    fault: Fault,
    next: u32,
    consts: Vec<Const>,
    memo: Vec<bool>,
}

impl Site {
    fn blocks(&mut self, blocks: &mut [Block]) {
        for block in blocks {
            let stmts = std::mem::take(&mut block.stmts);
            for mut stmt in stmts {
                self.blocks(stmt.kind.blocks_mut());
                self.stmt(stmt, &mut block.stmts);
            }
        }
    }

    fn stmt(&mut self, mut stmt: Stmt, out: &mut Vec<Stmt>) {
        use StmtKind as S;
        let span = stmt.span;
        stmt.kind = match (self.fault, stmt.kind) {
            (Fault::LostConflict, S::AssignVarOnce { source, target }) => S::AssignVar { source, target },
            (Fault::LostConflict, S::ObjectInsertOnce { key, value, object }) => {
                S::ObjectInsert { key, value, object }
            }
            (Fault::DroppedWith, S::With { block, .. } | S::WithDynamic { block, .. }) => {
                return out.extend(block.stmts);
            }
            (Fault::IgnoredNot, S::Not { block }) => return out.extend(block.stmts),
            (Fault::OffByOne, S::Dot { source, key: Operand::Const(key), target }) => {
                S::Dot { source, key: Operand::Const(self.one_higher(key)), target }
            }
            (Fault::SetAsArray, S::MakeSet { target }) => S::MakeArray { capacity: 0, target },
            (Fault::SetAsArray, S::SetAdd { value, set }) => S::ArrayAppend { array: set, value },
            (Fault::ErrorAsNull, S::Call { callee: callee @ Callee::Builtin(_), args, result }) => {
                out.push(Stmt { kind: S::MakeNull { target: result }, span });
                let call = Stmt { kind: S::Call { callee, args, result }, span };
                S::Block { blocks: vec![Block { stmts: vec![call] }] }
            }
            (Fault::StaleMemo, S::With { local, path, value, mut block }) => {
                let kept = Local(self.next);
                self.next += 1;
                out.push(Stmt { kind: S::AssignVar { source: Operand::Local(local), target: kept }, span });
                self.keep(&mut block, local, kept);
                S::With { local, path, value, block }
            }
            (_, kind) => kind,
        };
        out.push(stmt);
    }

    fn one_higher(&mut self, id: ConstId) -> ConstId {
        let Some(Const::Number(text)) = self.consts.get(id.0 as usize) else { return id };
        let Ok(number) = text.parse::<u32>() else { return id };
        self.consts.push(Const::Number((number + 1).to_string()));
        ConstId(self.consts.len() as u32 - 1)
    }

    /// Rules called in a block get the document from before.
    fn keep(&self, block: &mut Block, changed: Local, kept: Local) {
        for stmt in &mut block.stmts {
            stmt.kind.blocks_mut().iter_mut().for_each(|b| self.keep(b, changed, kept));
            let StmtKind::Call { callee: Callee::Func(func), args, .. } = &mut stmt.kind else { continue };
            if self.memo[func.0 as usize] {
                let hit = args.iter_mut().filter(|arg| **arg == Operand::Local(changed));
                hit.for_each(|arg| *arg = Operand::Local(kept));
            }
        }
    }
}

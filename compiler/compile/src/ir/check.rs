//! Well-formedness of IR: what every pass may rely on and must leave true.
//!
//! It runs between the passes of the optimizer in debug builds; the bytecode has a verifier of its own.

use super::{Block, Callee, ConstId, Local, Operand, Policy, StmtKind};
use rustc_hash::FxHashSet;

/// The first thing that is wrong with a policy, or nothing.
///
/// # Errors
/// Says which function or plan breaks which rule: ids within their tables, calls with the right number of
/// arguments, breaks within the function, switches within their blocks, locals written before the program
/// text first reads them, parameters `input` and `data` first.
pub fn check(policy: &Policy) -> Result<(), String> {
    for plan in &policy.plans {
        let params = [Local::INPUT, Local::DATA];
        let checker = Checker { policy, written: FxHashSet::from_iter(params), depth: 0, in_plan: true };
        checker.run(&plan.blocks).map_err(|e| format!("plan {}: {e}", plan.name))?;
    }
    for func in &policy.funcs {
        if func.params.get(..2) != Some(&[Local::INPUT, Local::DATA]) {
            return Err(format!("{}: the first parameters are not input and data", func.name));
        }
        let mut written = FxHashSet::from_iter(func.params.iter().copied());
        written.insert(func.ret);
        let checker = Checker { policy, written, depth: 0, in_plan: false };
        checker.run(&func.blocks).map_err(|e| format!("{}: {e}", func.name))?;
    }
    Ok(())
}

struct Checker<'p> {
    policy: &'p Policy,
    written: FxHashSet<Local>,
    depth: u32,
    in_plan: bool,
}

impl Checker<'_> {
    fn run(mut self, blocks: &[Block]) -> Result<(), String> {
        blocks.iter().try_for_each(|b| self.block(b))
    }

    fn block(&mut self, block: &Block) -> Result<(), String> {
        self.depth += 1;
        for stmt in &block.stmts {
            self.stmt(&stmt.kind).map_err(|e| format!("{e} in {:?}", head(&stmt.kind)))?;
        }
        self.depth -= 1;
        Ok(())
    }

    fn stmt(&mut self, kind: &StmtKind) -> Result<(), String> {
        let mut bad = None;
        kind.operands(&mut |o| bad = bad.take().or_else(|| self.operand(o)));
        kind.used_locals(&mut |l| bad = bad.take().or_else(|| self.read(l, kind)));
        if let Some(bad) = bad {
            return Err(bad);
        }
        kind.targets(&mut |l| {
            self.written.insert(l);
        });
        self.own_rules(kind)?;
        kind.blocks().iter().try_for_each(|b| self.block(b))
    }

    /// `IsDefined` and the like may ask for locals that nothing has written.
    fn read(&self, local: Local, kind: &StmtKind) -> Option<String> {
        let asks = matches!(
            kind,
            StmtKind::IsDefined { .. } | StmtKind::IsUndefined { .. } | StmtKind::AssignVarOnce { .. }
        );
        (!asks && !self.written.contains(&local)).then(|| format!("{local} is read but never written"))
    }

    fn operand(&self, operand: Operand) -> Option<String> {
        match operand {
            Operand::Local(local) if !self.written.contains(&local) => {
                Some(format!("{local} is read but never written"))
            }
            Operand::Const(id) => self.constant(id),
            Operand::Local(_) | Operand::Bool(_) => None,
        }
    }

    fn constant(&self, id: ConstId) -> Option<String> {
        (id.0 as usize >= self.policy.consts.len()).then(|| format!("no constant {}", id.0))
    }

    fn own_rules(&self, kind: &StmtKind) -> Result<(), String> {
        let bad = match kind {
            StmtKind::Call { callee, args, .. } => self.call(*callee, args.len()),
            StmtKind::CallKeyed { whole, keyed, args, .. } => {
                let wanted = self.policy.funcs.get(whole.0 as usize).map_or(0, |f| f.params.len());
                let whole = self.call(Callee::Func(*whole), wanted.min(args.len()));
                whole.or_else(|| self.call(Callee::Func(*keyed), args.len()))
            }
            StmtKind::Break { index } => {
                (*index >= self.depth).then(|| "break out of the function".to_owned())
            }
            StmtKind::MakeNumberRef { index, .. } => self.constant(*index),
            StmtKind::With { path, .. } => path.iter().find_map(|c| self.constant(*c)),
            StmtKind::ResultSetAdd { .. } => (!self.in_plan).then(|| "result of a function".to_owned()),
            StmtKind::ReturnLocal { .. } => self.in_plan.then(|| "return from a plan".to_owned()),
            StmtKind::Switch { cases, default, blocks, .. } => {
                let lists = cases.iter().map(|(_, list)| list).chain([default]);
                let outside = lists.flatten().any(|&b| b as usize >= blocks.len());
                let ids = || cases.iter().find_map(|(c, _)| self.constant(*c));
                outside.then(|| "no such block".to_owned()).or_else(ids)
            }
            _ => None,
        };
        bad.map_or(Ok(()), Err)
    }

    fn call(&self, callee: Callee, args: usize) -> Option<String> {
        let wanted = match callee {
            Callee::Func(id) => self.policy.funcs.get(id.0 as usize).map(|f| f.params.len()),
            Callee::Builtin(id) => self.policy.builtins.get(id.0 as usize).map(|b| b.arity as usize),
        };
        (wanted != Some(args)).then(|| format!("{args} arguments where {wanted:?} are wanted"))
    }
}

fn head(kind: &StmtKind) -> String {
    let text = format!("{kind:?}");
    text.chars().take(60).collect()
}

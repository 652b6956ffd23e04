//! Calls of rules that are constants become the constants.

use crate::ir::{Block, Callee, Func, Operand, Policy, StmtKind};

/// Replaces calls of constant functions in every plan and function.
pub(super) fn run(policy: &mut Policy) {
    let constants: Vec<Option<Operand>> = policy.funcs.iter().map(constant).collect();
    if constants.iter().all(Option::is_none) {
        return;
    }
    let plans = policy.plans.iter_mut().flat_map(|p| &mut p.blocks);
    let funcs = policy.funcs.iter_mut().flat_map(|f| &mut f.blocks);
    plans.chain(funcs).for_each(|b| replace(b, &constants));
}

/// The value of a function that begins by giving a constant.
fn constant(func: &Func) -> Option<Operand> {
    let [assign, end, ..] = func.blocks.first()?.stmts.as_slice() else { return None };
    match (&assign.kind, &end.kind) {
        (StmtKind::AssignVar { source, target }, StmtKind::ReturnLocal { source: returned })
            if target == returned && !matches!(source, Operand::Local(_)) =>
        {
            Some(*source)
        }
        _ => None,
    }
}

fn replace(block: &mut Block, constants: &[Option<Operand>]) {
    for stmt in &mut block.stmts {
        if let StmtKind::Call { callee: Callee::Func(id), result, .. } = &stmt.kind
            && let Some(Some(source)) = constants.get(id.0 as usize)
        {
            stmt.kind = StmtKind::AssignVar { source: *source, target: *result };
        }
        stmt.kind.blocks_mut().iter_mut().for_each(|b| replace(b, constants));
    }
}

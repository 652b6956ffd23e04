//! `x in {"a", "b"}` with a constant set is a lookup, not a call.

use crate::ir::{Block, Callee, Const, Operand, Policy, Stmt, StmtKind};

/// OPA's builtin behind `in`.
const MEMBER: &str = "internal.member_2";

/// Replaces membership tests of constant sets.
pub(super) fn run(policy: &mut Policy) {
    let plans = policy.plans.iter_mut().flat_map(|p| &mut p.blocks);
    let funcs = policy.funcs.iter_mut().flat_map(|f| &mut f.blocks);
    let pass = Member {
        consts: &policy.consts,
        is_member: policy.builtins.iter().map(|b| b.name == MEMBER).collect(),
    };
    plans.chain(funcs).for_each(|b| pass.block(b));
}

struct Member<'p> {
    consts: &'p [Const],
    is_member: Vec<bool>,
}

impl Member<'_> {
    fn block(&self, block: &mut Block) {
        for at in 0..block.stmts.len() {
            if let Some([call, test]) = block.stmts.get_mut(at..at + 2) {
                self.replace(call, test);
            }
        }
        let inner = block.stmts.iter_mut().flat_map(|s| s.kind.blocks_mut());
        inner.for_each(|b| self.block(b));
    }

    /// The call and the test that its result is not false; the planner writes them together, and nothing
    /// else reads the result.
    fn replace(&self, call: &mut Stmt, test: &mut Stmt) {
        let StmtKind::Call { callee: Callee::Builtin(id), args, result } = &call.kind else { return };
        let StmtKind::IsTruthy { source } = test.kind else { return };
        let &[key, set] = args.as_slice() else { return };
        let called = self.is_member.get(id.0 as usize).copied().unwrap_or(false);
        if called && source == Operand::Local(*result) && self.is_set(set) {
            call.kind = StmtKind::Dot { source: set, key, target: *result };
            test.kind = StmtKind::Nop;
        }
    }

    fn is_set(&self, operand: Operand) -> bool {
        let Operand::Const(id) = operand else { return false };
        matches!(self.consts.get(id.0 as usize), Some(Const::Set(_)))
    }
}

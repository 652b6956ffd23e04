//! One place that knows which locals, operands and blocks each statement has.

use super::{Block, Local, Operand, StmtKind};

impl StmtKind {
    /// The blocks inside.
    pub fn blocks(&self) -> &[Block] {
        match self {
            StmtKind::Block { blocks } | StmtKind::Switch { blocks, .. } => blocks,
            StmtKind::Not { block }
            | StmtKind::Scan { block, .. }
            | StmtKind::With { block, .. }
            | StmtKind::WithDynamic { block, .. } => std::slice::from_ref(block),
            _ => &[],
        }
    }

    /// The blocks inside, to be changed.
    pub fn blocks_mut(&mut self) -> &mut [Block] {
        match self {
            StmtKind::Block { blocks } | StmtKind::Switch { blocks, .. } => blocks,
            StmtKind::Not { block }
            | StmtKind::Scan { block, .. }
            | StmtKind::With { block, .. }
            | StmtKind::WithDynamic { block, .. } => std::slice::from_mut(block),
            _ => &mut [],
        }
    }

    /// Calls `f` for each operand that may be any operand (not for plain locals).
    pub fn operands_mut(&mut self, f: &mut dyn FnMut(&mut Operand)) {
        use StmtKind as S;
        match self {
            S::ArrayAppend { value: a, .. }
            | S::AssignVar { source: a, .. }
            | S::AssignVarOnce { source: a, .. }
            | S::IsArray { source: a }
            | S::IsObject { source: a }
            | S::IsSet { source: a }
            | S::IsTruthy { source: a }
            | S::Len { source: a, .. }
            | S::SetAdd { value: a, .. }
            | S::With { value: a, .. }
            | S::Switch { source: a, .. } => f(a),
            S::Dot { source: a, key: b, .. }
            | S::Equal { a, b }
            | S::NotEqual { a, b }
            | S::ObjectInsert { key: a, value: b, .. }
            | S::ObjectInsertOnce { key: a, value: b, .. } => {
                f(a);
                f(b);
            }
            S::Call { args, .. } | S::CallKeyed { args, .. } => args.iter_mut().for_each(f),
            S::CallDynamic { path, .. } => path.iter_mut().for_each(f),
            S::WithDynamic { path, value, .. } => {
                path.iter_mut().for_each(&mut *f);
                f(value);
            }
            _ => {}
        }
    }

    /// Calls `f` for each operand.
    pub fn operands(&self, f: &mut dyn FnMut(Operand)) {
        use StmtKind as S;
        match self {
            S::ArrayAppend { value: a, .. }
            | S::AssignVar { source: a, .. }
            | S::AssignVarOnce { source: a, .. }
            | S::IsArray { source: a }
            | S::IsObject { source: a }
            | S::IsSet { source: a }
            | S::IsTruthy { source: a }
            | S::Len { source: a, .. }
            | S::SetAdd { value: a, .. }
            | S::With { value: a, .. }
            | S::Switch { source: a, .. } => f(*a),
            S::Dot { source: a, key: b, .. }
            | S::Equal { a, b }
            | S::NotEqual { a, b }
            | S::ObjectInsert { key: a, value: b, .. }
            | S::ObjectInsertOnce { key: a, value: b, .. } => {
                f(*a);
                f(*b);
            }
            S::Call { args, .. } | S::CallKeyed { args, .. } => args.iter().copied().for_each(f),
            S::CallDynamic { path, .. } => path.iter().copied().for_each(f),
            S::WithDynamic { path, value, .. } => {
                path.iter().copied().for_each(&mut *f);
                f(*value);
            }
            _ => {}
        }
    }

    /// Calls `f` for each local that is read without being an [`Operand`], or changed in place.
    pub fn used_locals(&self, f: &mut dyn FnMut(Local)) {
        use StmtKind as S;
        match self {
            S::ArrayAppend { array: a, .. }
            | S::AssignVarOnce { target: a, .. }
            | S::IsDefined { source: a }
            | S::IsUndefined { source: a }
            | S::ObjectInsert { object: a, .. }
            | S::ObjectInsertOnce { object: a, .. }
            | S::ResultSetAdd { value: a }
            | S::ReturnLocal { source: a }
            | S::Scan { source: a, .. }
            | S::SetAdd { set: a, .. }
            | S::With { local: a, .. }
            | S::WithDynamic { local: a, .. } => f(*a),
            S::ObjectMerge { a, b, .. } => {
                f(*a);
                f(*b);
            }
            S::CallDynamic { args, .. } => args.iter().copied().for_each(f),
            _ => {}
        }
    }

    /// Calls `f` for each local that is read in any way.
    pub fn reads(&self, f: &mut dyn FnMut(Local)) {
        self.operands(&mut |operand| {
            if let Operand::Local(local) = operand {
                f(local);
            }
        });
        self.used_locals(f);
    }

    /// Calls `f` for each local that is given a value (or made undefined).
    pub fn targets(&self, f: &mut dyn FnMut(Local)) {
        use StmtKind as S;
        match self {
            S::AssignInt { target, .. }
            | S::AssignVar { target, .. }
            | S::AssignVarOnce { target, .. }
            | S::Call { result: target, .. }
            | S::CallKeyed { result: target, .. }
            | S::CallDynamic { result: target, .. }
            | S::Dot { target, .. }
            | S::Len { target, .. }
            | S::MakeArray { target, .. }
            | S::MakeNull { target }
            | S::MakeNumberInt { target, .. }
            | S::MakeNumberRef { target, .. }
            | S::MakeObject { target }
            | S::MakeSet { target }
            | S::ObjectMerge { target, .. }
            | S::ResetLocal { target } => f(*target),
            S::Scan { key, value, .. } => {
                f(*key);
                f(*value);
            }
            _ => {}
        }
    }
}

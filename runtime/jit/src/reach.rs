//! Which instructions machine code does itself, and where it is worth entering it.
//!
//! The surprising fact: entering costs as much as a few instructions of the VM, so machine code is entered
//! only where a loop begins or where it has some way to go.

use govc_bytecode::{Function, Op, OperandKind, Program};

/// Entering pays from so many instructions on; picked by gut feeling.
const WORTH: usize = 4;

/// Functions longer than this stay with the VM: rule lists gain nothing.
const LONGEST: usize = 20_000;

/// Does machine code know the instruction, at least in its common case?
pub(crate) fn knows(op: &Op) -> bool {
    matches!(
        op,
        Op::Move { .. }
            | Op::MoveDefined { .. }
            | Op::Load { .. }
            | Op::Reset { .. }
            | Op::AssignOnce { .. }
            | Op::Jump { .. }
            | Op::IsDefined { .. }
            | Op::IsUndefined { .. }
            | Op::IsTruthy { .. }
            | Op::IsFalsy { .. }
            | Op::IsArray { .. }
            | Op::IsObject { .. }
            | Op::IsSet { .. }
            | Op::Equal { .. }
            | Op::NotEqual { .. }
            | Op::EqualLit { .. }
            | Op::NotEqualLit { .. }
            | Op::Less { .. }
            | Op::LessEqual { .. }
            | Op::Member { .. }
            | Op::Dot { .. }
            | Op::DotStr { .. }
            | Op::Path { .. }
            | Op::PathEqualLit { .. }
            | Op::PathTruthy { .. }
            | Op::PathFalsy { .. }
            | Op::Len { .. }
            | Op::ScanInit { .. }
            | Op::ScanNext { .. }
            | Op::ScanValue { .. }
            | Op::Add { .. }
            | Op::Sub { .. }
            | Op::Mul { .. }
            | Op::ValueEqual { .. }
            | Op::ValueNotEqual { .. }
            | Op::ValueLess { .. }
            | Op::ValueLessEqual { .. }
            | Op::ValueMember { .. }
            | Op::Count { .. }
    )
}

/// May the instruction hand back to the VM?
fn leaves(op: &Op) -> bool {
    !knows(op)
        || matches!(
            op,
            Op::AssignOnce { .. }
                | Op::Len { .. }
                | Op::Count { .. }
                | Op::ScanNext { .. }
                | Op::ScanValue { .. }
                | Op::Add { .. }
                | Op::Sub { .. }
                | Op::Mul { .. }
        )
}

/// The instructions at which machine code of a function is entered, in order; none when it is not worth it.
pub(crate) fn entries(program: &Program, function: &Function) -> Vec<u32> {
    let (start, end) = (function.start as usize, function.end as usize);
    if end - start > LONGEST {
        return Vec::new();
    }
    let mut wanted = vec![false; end - start];
    wanted[0] = true;
    for at in function.start..function.end {
        let op = &program.code[at as usize];
        if leaves(op) {
            successors(program, op, at).into_iter().for_each(|to| wanted[to as usize - start] = true);
        }
    }
    let worth = |at: u32| {
        let ahead = &program.code[at as usize..end];
        matches!(ahead.first(), Some(Op::ScanNext { .. } | Op::ScanValue { .. } | Op::ScanInit { .. }))
            || ahead.len() >= WORTH && ahead[..WORTH].iter().all(knows)
    };
    (function.start..function.end).filter(|&at| wanted[at as usize - start] && worth(at)).collect()
}

/// Where evaluation may go on in the same function, once the VM has run the instruction.
fn successors(program: &Program, op: &Op, at: u32) -> Vec<u32> {
    let mut all: Vec<u32> =
        op.typed_operands().filter(|(kind, _)| *kind == OperandKind::Target).map(|(_, to)| to).collect();
    if !op.ends_flow() {
        all.push(at + 1);
    }
    if let Op::SwitchNext { table, .. } = op {
        let table = &program.tables[*table as usize];
        all.extend(table.cases.iter().flat_map(|case| &case.blocks).chain(&table.default));
    }
    all
}

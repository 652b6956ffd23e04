//! The verifier: what a program must be before anything runs it. This header is the specification.
//!
//! 1. Every index of an instruction lies in its table: registers below the function's `registers` (a `State`
//!    needs two), builder registers below `builders`, literals, functions, builtins, lists, tables.
//! 2. A `Str` names a string literal, a `Strs` a list of them; a `Regs` lists registers of the function.
//! 3. A call passes as many arguments as the callee has parameters; a `Rule` and an entrypoint have two.
//! 4. Functions own consecutive ranges that cover the code; a jump stays in its function; the last
//!    instruction of a function does not fall out of it.
//! 5. A function has at least as many registers as parameters, and at most [`MAX_REGISTERS`] of each kind.
//! 6. Block starts of a switch table lie in the function that uses it; its literals are scalars; a table
//!    belongs to one function.
//! 7. On every path to an instruction, as many `with_push` as `with_pop` were met, give or take the same
//!    number; it is never negative, and 0 where a function returns.
//! 8. A jump that does not go forward leads to a `scan_next`, `scan_value` or `switch_next`: these cost fuel,
//!    so no loop is free.
//! 9. Literals are well-formed numbers and not deeper than 256; memo slots are below the number of functions
//!    and belong to functions of two parameters; locations are sorted and name a file; names of entrypoints
//!    are unique.

use crate::literal::{MAX_DEPTH, is_number};
use crate::{Literal, NO_MEMO, Op, OperandKind, Program};
use std::fmt;

/// The most registers of one kind in one function.
pub const MAX_REGISTERS: u32 = 1 << 20;

/// Why a program is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyError {
    /// The instruction, where it is one.
    pub at: Option<u32>,
    /// What is wrong.
    pub reason: &'static str,
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at {
            Some(at) => write!(f, "instruction {at}: {}", self.reason),
            None => f.write_str(self.reason),
        }
    }
}

impl std::error::Error for VerifyError {}

type Check = Result<(), VerifyError>;

fn refuse(reason: &'static str) -> VerifyError {
    VerifyError { at: None, reason }
}

fn ensure(holds: bool, reason: &'static str) -> Check {
    if holds { Ok(()) } else { Err(refuse(reason)) }
}

/// Checks a program.
///
/// # Errors
/// The first rule that it breaks.
pub fn verify(program: &Program) -> Check {
    sizes(program)?;
    program.literals.iter().try_for_each(|l| literal(l, 0))?;
    functions(program)?;
    entrypoints(program)?;
    locations(program)?;
    let mut owner = vec![u32::MAX; program.tables.len()];
    let mut depths = vec![UNSEEN; program.code.len()];
    for index in 0..program.functions.len() {
        Verifier::new(program, index, &mut owner, &mut depths).check()?;
    }
    Ok(())
}

fn sizes(p: &Program) -> Check {
    let all = [p.literals.len(), p.builtins.len(), p.files.len(), p.lists.len(), p.tables.len()];
    let more = [p.functions.len(), p.entrypoints.len(), p.code.len(), p.locations.len()];
    let fits = all.iter().chain(&more).all(|&n| u32::try_from(n).is_ok_and(|n| n < u32::MAX));
    ensure(fits, "a table has more than 2^32 - 2 entries")
}

fn literal(l: &Literal, depth: u32) -> Check {
    ensure(depth <= MAX_DEPTH, "a literal is nested too deeply")?;
    match l {
        Literal::Null | Literal::Bool(_) | Literal::String(_) => Ok(()),
        Literal::Number(text) => ensure(is_number(text), "a number literal is malformed"),
        Literal::Array(items) | Literal::Set(items) => items.iter().try_for_each(|i| literal(i, depth + 1)),
        Literal::Object(entries) => {
            entries.iter().try_for_each(|(k, v)| literal(k, depth + 1).and_then(|()| literal(v, depth + 1)))
        }
    }
}

fn functions(p: &Program) -> Check {
    let mut next = 0;
    for f in &p.functions {
        ensure(f.start == next && f.end > f.start, "functions do not cover the code one after the other")?;
        ensure(f.end as usize <= p.code.len(), "a function ends behind the code")?;
        ensure(
            f.registers <= MAX_REGISTERS && f.builders <= MAX_REGISTERS,
            "a function has too many registers",
        )?;
        ensure(f.params >= 2 && f.registers >= f.params, "a function lacks registers for its parameters")?;
        memo(p, f.memo, f.params)?;
        next = f.end;
    }
    ensure(next as usize == p.code.len(), "functions do not cover the code")
}

fn memo(p: &Program, slot: u32, params: u32) -> Check {
    let kept = slot != NO_MEMO;
    ensure(!kept || ((slot as usize) < p.functions.len() && params == 2), "a memo slot is out of range")
}

fn entrypoints(p: &Program) -> Check {
    let mut names = std::collections::HashSet::new();
    p.entrypoints.iter().try_for_each(|e| {
        let f = p.functions.get(e.function as usize);
        ensure(f.is_some_and(|f| f.params == 2), "an entrypoint needs a function of two parameters")?;
        ensure(names.insert(e.name.as_str()), "two entrypoints have the same name")
    })
}

fn locations(p: &Program) -> Check {
    let sorted = p.locations.windows(2).all(|w| matches!(w, [a, b] if a.at < b.at));
    ensure(sorted, "locations are not sorted")?;
    let known = |l: &crate::Location| (l.file as usize) < p.files.len() && (l.at as usize) < p.code.len();
    ensure(p.locations.iter().all(known), "a location names no file or instruction")
}

const UNSEEN: u32 = u32::MAX;

struct Verifier<'a> {
    program: &'a Program,
    index: u32,
    owner: &'a mut [u32],
    depths: &'a mut [u32],
    work: Vec<u32>,
}

impl<'a> Verifier<'a> {
    fn new(program: &'a Program, index: usize, owner: &'a mut [u32], depths: &'a mut [u32]) -> Self {
        Self { program, index: index as u32, owner, depths, work: Vec::new() }
    }

    fn function(&self) -> &'a crate::Function {
        &self.program.functions[self.index as usize]
    }

    fn check(&mut self) -> Check {
        let (start, end) = (self.function().start, self.function().end);
        let last = self.program.code[end as usize - 1];
        self.at(end - 1, ensure(last.ends_flow(), "a function may fall out of its code"))?;
        for at in start..end {
            let op = self.program.code[at as usize];
            let checked = self.op(&op).and_then(|()| self.back_edges(at, &op));
            self.at(at, checked)?;
        }
        self.flow(start)
    }

    fn at(&self, at: u32, checked: Check) -> Check {
        checked.map_err(|e| VerifyError { at: Some(at), ..e })
    }

    fn op(&mut self, op: &Op) -> Check {
        op.typed_operands().try_for_each(|(kind, value)| self.operand(kind, value))?;
        match *op {
            Op::Call { func, args, .. } => self.arity(self.program.functions[func as usize].params, args),
            Op::CallKeyed { func, keyed, args, .. } => {
                let params = |f: u32| self.program.functions[f as usize].params;
                ensure(params(func) <= params(keyed), "a document wants more arguments than a key of it")?;
                self.arity(params(keyed), args)
            }
            Op::CallDynamic { args, .. } => self.arity(2, args),
            Op::Builtin { builtin, args, .. } => {
                self.arity(self.program.builtins[builtin as usize].arity, args)
            }
            Op::NewObject { keys, values, .. } => {
                let same = self.list(keys)?.len() == self.list(values)?.len();
                ensure(same, "an object has more keys than values or the other way round")
            }
            _ => Ok(()),
        }
    }

    fn back_edges(&self, at: u32, op: &Op) -> Check {
        let metered = |target: u32| {
            let op = &self.program.code[target as usize];
            matches!(op, Op::ScanNext { .. } | Op::ScanValue { .. } | Op::SwitchNext { .. })
        };
        let free = |&(kind, to): &(OperandKind, u32)| kind == OperandKind::Target && to <= at && !metered(to);
        ensure(!op.typed_operands().any(|o| free(&o)), "a jump back costs no fuel")
    }

    fn arity(&self, expected: u32, args: u32) -> Check {
        ensure(self.list(args)?.len() == expected as usize, "wrong number of arguments")
    }

    fn list(&self, list: u32) -> Result<&'a [u32], VerifyError> {
        self.program.lists.get(list as usize).map(Vec::as_slice).ok_or(refuse("no such list"))
    }

    fn operand(&mut self, kind: OperandKind, value: u32) -> Check {
        match kind {
            OperandKind::Dst | OperandKind::Src => self.register(value),
            OperandKind::State => self.register(value).and_then(|()| self.register(value + 1)),
            OperandKind::Builder => ensure(value < self.function().builders, "no such builder register"),
            OperandKind::Lit => ensure((value as usize) < self.program.literals.len(), "no such literal"),
            OperandKind::Str => self.string(value),
            OperandKind::Func => ensure((value as usize) < self.program.functions.len(), "no such function"),
            OperandKind::Rule => self.rule(value),
            OperandKind::Builtin => ensure((value as usize) < self.program.builtins.len(), "no such builtin"),
            OperandKind::Regs => self.list(value)?.iter().try_for_each(|&r| self.register(r)),
            OperandKind::Strs => self.list(value)?.iter().try_for_each(|&l| self.string(l)),
            OperandKind::Table => self.table(value),
            OperandKind::Target => self.target(value),
        }
    }

    fn register(&self, register: u32) -> Check {
        ensure(register < self.function().registers, "no such register")
    }

    fn string(&self, literal: u32) -> Check {
        let found = self.program.literals.get(literal as usize);
        ensure(matches!(found, Some(Literal::String(_))), "not a string literal")
    }

    fn rule(&self, func: u32) -> Check {
        let found = self.program.functions.get(func as usize);
        ensure(found.is_some_and(|f| f.params == 2), "not a function of two parameters")
    }

    fn target(&self, target: u32) -> Check {
        let f = self.function();
        ensure(target >= f.start && target < f.end, "a jump leaves its function")
    }

    fn table(&mut self, table: u32) -> Check {
        let owner = self.owner.get_mut(table as usize).ok_or(refuse("no such switch table"))?;
        if *owner == self.index {
            return Ok(());
        }
        ensure(*owner == u32::MAX, "a switch table belongs to two functions")?;
        *owner = self.index;
        let program = self.program;
        let t = &program.tables[table as usize];
        t.default.iter().try_for_each(|&b| self.target(b))?;
        t.cases.iter().try_for_each(|c| {
            let scalar = matches!(
                program.literals.get(c.literal as usize),
                Some(Literal::Null | Literal::Bool(_) | Literal::Number(_) | Literal::String(_))
            );
            ensure(scalar, "a switch case is no scalar")?;
            c.blocks.iter().try_for_each(|&b| self.target(b))
        })
    }

    /// Rule 7, by a walk over the reachable instructions.
    fn flow(&mut self, start: u32) -> Check {
        self.reach(start, 0)?;
        while let Some(at) = self.work.pop() {
            let checked = self.step(at);
            self.at(at, checked)?;
        }
        Ok(())
    }

    fn step(&mut self, at: u32) -> Check {
        let op = self.program.code[at as usize];
        let depth = self.depth_after(&op, self.depths[at as usize])?;
        if let Op::SwitchNext { table, .. } = op {
            self.reach_blocks(table, depth)?;
        }
        for (kind, value) in op.typed_operands() {
            if kind == OperandKind::Target {
                self.reach(value, depth)?;
            }
        }
        if op.ends_flow() { Ok(()) } else { self.reach(at + 1, depth) }
    }

    fn depth_after(&self, op: &Op, depth: u32) -> Result<u32, VerifyError> {
        match op {
            Op::WithPush {} => Ok(depth + 1),
            Op::WithPop {} => depth.checked_sub(1).ok_or(refuse("more `with_pop` than `with_push`")),
            Op::Return { .. } | Op::ReturnUndefined {} if depth > 0 => {
                Err(refuse("returns inside `with_push`"))
            }
            _ => Ok(depth),
        }
    }

    fn reach_blocks(&mut self, table: u32, depth: u32) -> Check {
        let t = &self.program.tables[table as usize];
        let blocks = t.cases.iter().flat_map(|c| &c.blocks).chain(&t.default);
        blocks.into_iter().try_for_each(|&b| self.reach(b, depth))
    }

    fn reach(&mut self, at: u32, depth: u32) -> Check {
        match self.depths[at as usize] {
            UNSEEN => {
                self.depths[at as usize] = depth;
                self.work.push(at);
                Ok(())
            }
            seen => ensure(seen == depth, "paths meet with different numbers of `with_push`"),
        }
    }
}

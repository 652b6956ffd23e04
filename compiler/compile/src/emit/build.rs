//! The program that is being put together: interned tables and finished functions.

use super::function::FunctionEmitter;
use super::{EmitError, Locate, builtin, literal};
use crate::ir::{self, Block, Local};
use govc_bytecode::{Function, Literal, Location, NO_MEMO, Op, Program, SwitchTable};
use govc_syntax::Span;
use rustc_hash::FxHashMap;

pub(super) struct ProgramBuilder<'p> {
    pub(super) policy: &'p ir::Policy,
    pub(super) program: Program,
    literals: FxHashMap<Literal, u32>,
    lists: FxHashMap<Vec<u32>, u32>,
    memo_slots: u32,
    locate: Locate<'p>,
}

/// What the emitter of one function hands over; jump targets are labels.
pub(super) struct Emitted {
    pub(super) code: Vec<(Op, Span)>,
    pub(super) labels: Vec<u32>,
    pub(super) tables: Vec<u32>,
    pub(super) registers: u32,
    pub(super) builders: u32,
}

struct Header<'a> {
    name: &'a str,
    path: &'a [String],
    params: &'a [Local],
    ret: Option<Local>,
    memoize: bool,
}

impl<'p> ProgramBuilder<'p> {
    pub(super) fn new(policy: &'p ir::Policy, locate: Locate<'p>) -> Self {
        let program = Program {
            builtins: policy.builtins.iter().map(builtin).collect(),
            files: policy.files.clone(),
            ..Program::default()
        };
        let mut out = Self {
            policy,
            program,
            literals: FxHashMap::default(),
            lists: FxHashMap::default(),
            memo_slots: 0,
            locate,
        };
        policy.consts.iter().for_each(|c| {
            out.literal(literal(c));
        });
        out
    }

    pub(super) fn finish(self) -> Program {
        self.program
    }

    /// The index of a literal.
    pub(super) fn literal(&mut self, l: Literal) -> u32 {
        let program = &mut self.program;
        *self.literals.entry(l).or_insert_with_key(|l| {
            program.literals.push(l.clone());
            program.literals.len() as u32 - 1
        })
    }

    /// The index of a list of operands.
    pub(super) fn list(&mut self, list: Vec<u32>) -> u32 {
        let program = &mut self.program;
        *self.lists.entry(list).or_insert_with_key(|l| {
            program.lists.push(l.clone());
            program.lists.len() as u32 - 1
        })
    }

    /// A switch table whose targets are still labels.
    pub(super) fn table(&mut self, table: SwitchTable) -> u32 {
        self.program.tables.push(table);
        self.program.tables.len() as u32 - 1
    }

    pub(super) fn function(&mut self, f: &ir::Func) -> Result<(), EmitError> {
        let header = Header {
            name: &f.name,
            path: &f.path,
            params: &f.params,
            ret: Some(f.ret),
            memoize: f.memoize && f.params.len() == 2,
        };
        self.emit(&header, &f.blocks).map(drop)
    }

    pub(super) fn plan(&mut self, plan: &ir::Plan) -> Result<u32, EmitError> {
        let params = [Local::INPUT, Local::DATA];
        let header = Header { name: &plan.name, path: &[], params: &params, ret: None, memoize: false };
        self.emit(&header, &plan.blocks)
    }

    fn emit(&mut self, header: &Header<'_>, blocks: &[Block]) -> Result<u32, EmitError> {
        let named = |reason| EmitError { function: header.name.to_owned(), reason };
        if header.params.len() < 2 {
            return Err(named("a function needs the parameters `input` and `data`"));
        }
        let emitter = FunctionEmitter::new(self, header.params, header.ret, blocks);
        let emitted = emitter.emit(blocks).map_err(named)?;
        self.append(header, emitted)
    }

    fn append(&mut self, header: &Header<'_>, emitted: Emitted) -> Result<u32, EmitError> {
        let start = self.program.code.len() as u32;
        let target = |label: u32| start + emitted.labels.get(label as usize).copied().unwrap_or(0);
        self.resolve_tables(&emitted.tables, target);
        for (op, span) in emitted.code {
            if may_raise(&op) {
                self.locate(span);
            }
            self.program.code.push(op.map_targets(target));
        }
        let end = u32::try_from(self.program.code.len()).map_err(|_| EmitError {
            function: header.name.to_owned(),
            reason: "the program has more than 2^32 instructions",
        })?;
        let memo = self.memo(header.memoize);
        self.program.functions.push(Function {
            name: header.name.to_owned(),
            path: header.path.to_vec(),
            params: header.params.len() as u32,
            registers: emitted.registers,
            builders: emitted.builders,
            memo,
            start,
            end,
        });
        Ok(self.program.functions.len() as u32 - 1)
    }

    fn memo(&mut self, memoize: bool) -> u32 {
        if !memoize {
            return NO_MEMO;
        }
        self.memo_slots += 1;
        self.memo_slots - 1
    }

    fn resolve_tables(&mut self, tables: &[u32], target: impl Fn(u32) -> u32) {
        for &table in tables {
            if let Some(table) = self.program.tables.get_mut(table as usize) {
                let blocks = table.cases.iter_mut().flat_map(|c| &mut c.blocks).chain(&mut table.default);
                blocks.for_each(|label| *label = target(*label));
            }
        }
    }

    fn locate(&mut self, span: Span) {
        if let Some((file, row, column)) = (self.locate)(span) {
            let at = self.program.code.len() as u32;
            self.program.locations.push(Location { at, file, row, column });
        }
    }
}

/// Instructions that can end a query with an error that has a position.
fn may_raise(op: &Op) -> bool {
    matches!(
        op,
        Op::Builtin { .. }
            | Op::AssignOnce { .. }
            | Op::InsertOnce { .. }
            | Op::Add { .. }
            | Op::Sub { .. }
            | Op::Mul { .. }
            | Op::Div { .. }
            | Op::Rem { .. }
            | Op::Count { .. }
    )
}

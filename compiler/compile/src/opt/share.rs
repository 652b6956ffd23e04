//! Common path sharing and copy propagation: `input.a.b` is looked up once where one lookup is always
//! before the other.
//!
//! A lookup that has been passed was defined, so its repetition is a copy. What a local held is known by
//! a version that every write to it raises; loops raise the versions of all they write on entry and exit.

use crate::ir::{Block, Local, Operand, Policy, StmtKind};
use rustc_hash::FxHashMap;

/// Shares lookups and spreads copies in every plan and function.
pub(super) fn run(policy: &mut Policy) {
    let plans = policy.plans.iter_mut().map(|p| &mut p.blocks);
    let funcs = policy.funcs.iter_mut().map(|f| &mut f.blocks);
    for blocks in plans.chain(funcs) {
        let mut pass = Share::default();
        match blocks.as_mut_slice() {
            [] => {}
            all => all.iter_mut().for_each(|b| pass.scoped(b)),
        }
    }
}

#[derive(Clone, Copy)]
struct Known {
    value: Operand,
    value_version: u32,
    key_versions: (u32, u32),
}

type Lookup = (Operand, Operand);

#[derive(Default)]
struct Share {
    versions: FxHashMap<Local, u32>,
    lookups: FxHashMap<Lookup, Known>,
    copies: FxHashMap<Local, Known>,
    undo: Vec<Undo>,
}

enum Undo {
    Lookup(Lookup, Option<Known>),
    Copy(Local, Option<Known>),
}

impl Share {
    /// A block whose knowledge ends with it, because it may be left half-way.
    fn scoped(&mut self, block: &mut Block) {
        let mark = self.undo.len();
        self.block(block);
        while self.undo.len() > mark {
            match self.undo.pop() {
                Some(Undo::Lookup(at, Some(old))) => drop(self.lookups.insert(at, old)),
                Some(Undo::Lookup(at, None)) => drop(self.lookups.remove(&at)),
                Some(Undo::Copy(at, Some(old))) => drop(self.copies.insert(at, old)),
                Some(Undo::Copy(at, None)) => drop(self.copies.remove(&at)),
                None => break,
            }
        }
    }

    fn block(&mut self, block: &mut Block) {
        for stmt in &mut block.stmts {
            self.stmt(&mut stmt.kind);
        }
    }

    fn stmt(&mut self, kind: &mut StmtKind) {
        kind.operands_mut(&mut |operand| *operand = self.copied(*operand));
        self.scan_source(kind);
        if let StmtKind::Dot { source, key, target } = *kind
            && let Some(value) = self.looked_up((source, key))
        {
            *kind = StmtKind::AssignVar { source: value, target };
        }
        match kind {
            StmtKind::With { local, block, .. } | StmtKind::WithDynamic { local, block, .. } => {
                let local = *local;
                self.raise(local);
                self.block(block);
                self.raise(local);
            }
            StmtKind::Scan { .. } => self.looped(kind),
            _ => {
                kind.blocks_mut().iter_mut().for_each(|b| self.scoped(b));
                self.written(kind);
                self.learn(kind);
            }
        }
    }

    /// The source of a loop is a local; a copy of another local will do as well.
    fn scan_source(&self, kind: &mut StmtKind) {
        if let StmtKind::Scan { source, .. } = kind
            && let Operand::Local(other) = self.copied(Operand::Local(*source))
        {
            *source = other;
        }
    }

    fn looped(&mut self, kind: &mut StmtKind) {
        let written = written_inside(kind);
        written.iter().for_each(|&l| self.raise(l));
        kind.blocks_mut().iter_mut().for_each(|b| self.scoped(b));
        written.iter().for_each(|&l| self.raise(l));
    }

    fn written(&mut self, kind: &StmtKind) {
        changes(kind, &mut |l| {
            *self.versions.entry(l).or_default() += 1;
        });
    }

    fn raise(&mut self, local: Local) {
        *self.versions.entry(local).or_default() += 1;
    }

    fn learn(&mut self, kind: &StmtKind) {
        match *kind {
            StmtKind::Dot { source, key, target } if source != Operand::Local(target) => {
                let known = self.known(Operand::Local(target), (source, key));
                let old = self.lookups.insert((source, key), known);
                self.undo.push(Undo::Lookup((source, key), old));
            }
            StmtKind::AssignVar { source, target } if stable(source) => {
                let known = self.known(source, (Operand::Local(target), source));
                let old = self.copies.insert(target, known);
                self.undo.push(Undo::Copy(target, old));
            }
            _ => {}
        }
    }

    fn known(&self, value: Operand, (a, b): Lookup) -> Known {
        Known { value, value_version: self.version(value), key_versions: (self.version(a), self.version(b)) }
    }

    fn version(&self, operand: Operand) -> u32 {
        match operand {
            Operand::Local(local) => self.versions.get(&local).copied().unwrap_or(0),
            Operand::Bool(_) | Operand::Const(_) => 0,
        }
    }

    fn looked_up(&self, at: Lookup) -> Option<Operand> {
        let known = self.lookups.get(&at)?;
        let same = known.key_versions == (self.version(at.0), self.version(at.1));
        (same && known.value_version == self.version(known.value)).then_some(known.value)
    }

    fn copied(&self, operand: Operand) -> Operand {
        let Operand::Local(local) = operand else { return operand };
        let Some(known) = self.copies.get(&local) else { return operand };
        let same = known.key_versions.0 == self.version(operand);
        let valid = same && known.value_version == self.version(known.value);
        if valid { known.value } else { operand }
    }
}

/// `input` and `data` change under `with`, and later statements may stand inside one.
fn stable(source: Operand) -> bool {
    !matches!(source, Operand::Local(Local::INPUT | Local::DATA))
}

/// Every local that a statement writes, or whose collection it changes.
pub(super) fn changes(kind: &StmtKind, f: &mut dyn FnMut(Local)) {
    kind.targets(f);
    match kind {
        StmtKind::ArrayAppend { array: l, .. }
        | StmtKind::ObjectInsert { object: l, .. }
        | StmtKind::ObjectInsertOnce { object: l, .. }
        | StmtKind::SetAdd { set: l, .. } => f(*l),
        _ => {}
    }
}

/// Every local that a statement or a block inside it writes or changes.
pub(super) fn written_inside(kind: &StmtKind) -> Vec<Local> {
    let mut found = Vec::new();
    kind.targets(&mut |l| found.push(l));
    let mut work: Vec<&Block> = kind.blocks().iter().collect();
    while let Some(block) = work.pop() {
        for stmt in &block.stmts {
            changes(&stmt.kind, &mut |l| found.push(l));
            work.extend(stmt.kind.blocks());
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

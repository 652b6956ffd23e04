//! Lookups that several bodies or a loop repeat move to the start of the function.
//!
//! `input` and `data` do not change while a function runs, except inside its own `with` statements, which
//! are left alone. A moved lookup that is undefined makes its local undefined, and each place that needed
//! it asks for that, so bodies fail where they failed before.

use super::free_local;
use crate::ir::{Block, ConstId, Func, Local, Operand, Policy, Stmt, StmtKind};
use govc_syntax::Span;
use rustc_hash::FxHashMap;

/// Moves lookups in every function.
pub(super) fn run(policy: &mut Policy) {
    for func in &mut policy.funcs {
        Hoist::new(func).run(func);
    }
}

/// A path of constant keys from `input` (false) or `data` (true), as its last step.
type Step = (Option<usize>, bool, ConstId);

/// A path that occurs, by its last step.
struct Path {
    parent: Option<usize>,
    data: bool,
    key: ConstId,
    /// Occurrences; one in a loop counts twice.
    weight: u32,
    local: Option<Local>,
}

struct Hoist {
    paths: Vec<Path>,
    by_step: FxHashMap<Step, usize>,
    next: u32,
}

/// What is known on the way through the blocks.
#[derive(Clone, Copy)]
struct Place {
    in_loop: bool,
    input_changed: bool,
    data_changed: bool,
}

impl Hoist {
    fn new(func: &Func) -> Self {
        Hoist { paths: Vec::new(), by_step: FxHashMap::default(), next: free_local(func) }
    }

    fn run(mut self, func: &mut Func) {
        let place = Place { in_loop: false, input_changed: false, data_changed: false };
        for block in &func.blocks {
            self.count(block, place, &mut FxHashMap::default());
        }
        for i in 0..self.paths.len() {
            self.choose(i);
        }
        if self.paths.iter().all(|p| p.local.is_none()) {
            return;
        }
        for block in &mut func.blocks {
            self.replace(block, place, &mut FxHashMap::default());
        }
        func.blocks.insert(0, self.prelude(func.span));
    }

    /// Parents come before children, so a chosen path has its chosen prefix.
    fn choose(&mut self, at: usize) {
        let Some(path) = self.paths.get(at) else { return };
        if path.weight < 2 {
            return;
        }
        let mut chain = vec![at];
        while let Some(parent) = chain.last().and_then(|&c| self.paths.get(c)).and_then(|p| p.parent) {
            chain.push(parent);
        }
        for at in chain.into_iter().rev() {
            if let Some(path) = self.paths.get_mut(at)
                && path.local.is_none()
            {
                path.local = Some(Local(self.next));
                self.next += 1;
            }
        }
    }

    fn count(&mut self, block: &Block, place: Place, held: &mut FxHashMap<Local, usize>) {
        for stmt in &block.stmts {
            if let Some((at, target)) = self.path_of(&stmt.kind, place, held, true) {
                let weight = if place.in_loop { 2 } else { 1 };
                if let Some(path) = self.paths.get_mut(at) {
                    path.weight += weight;
                }
                held.insert(target, at);
                continue;
            }
            stmt.kind.targets(&mut |l| {
                held.remove(&l);
            });
            let inner = place.inside(&stmt.kind);
            for block in stmt.kind.blocks() {
                self.count(block, inner, held);
            }
        }
    }

    fn replace(&mut self, block: &mut Block, place: Place, held: &mut FxHashMap<Local, usize>) {
        for stmt in &mut block.stmts {
            if let Some((at, target)) = self.path_of(&stmt.kind, place, held, false) {
                held.insert(target, at);
                if let Some(local) = self.paths.get(at).and_then(|p| p.local) {
                    stmt.kind = StmtKind::AssignVar { source: Operand::Local(local), target };
                }
                continue;
            }
            stmt.kind.targets(&mut |l| {
                held.remove(&l);
            });
            let inner = place.inside(&stmt.kind);
            for block in stmt.kind.blocks_mut() {
                self.replace(block, inner, held);
            }
        }
    }

    /// The path that a statement looks up, and where it puts the value.
    fn path_of(
        &mut self,
        kind: &StmtKind,
        place: Place,
        held: &FxHashMap<Local, usize>,
        add: bool,
    ) -> Option<(usize, Local)> {
        let StmtKind::Dot { source: Operand::Local(source), key: Operand::Const(key), target } = *kind else {
            return None;
        };
        let step = match source {
            Local::INPUT if place.input_changed => return None,
            Local::DATA if place.data_changed => return None,
            Local::INPUT => (None, false, key),
            Local::DATA => (None, true, key),
            other => {
                let parent = *held.get(&other)?;
                (Some(parent), self.paths.get(parent)?.data, key)
            }
        };
        match self.by_step.get(&step) {
            Some(&at) => Some((at, target)),
            None if add => Some((self.add(step), target)),
            None => None,
        }
    }

    fn add(&mut self, step: Step) -> usize {
        let at = self.paths.len();
        self.by_step.insert(step, at);
        self.paths.push(Path { parent: step.0, data: step.1, key: step.2, weight: 0, local: None });
        at
    }

    /// Each lookup in a block of its own, nested in that of its prefix: an undefined one ends its block.
    fn prelude(&self, span: Span) -> Block {
        let mut children: FxHashMap<Option<usize>, Vec<usize>> = FxHashMap::default();
        for (at, path) in self.paths.iter().enumerate().filter(|(_, p)| p.local.is_some()) {
            children.entry(path.parent).or_default().push(at);
        }
        let mut stmts = Vec::new();
        for path in &self.paths {
            if let Some(target) = path.local {
                stmts.push(Stmt { kind: StmtKind::ResetLocal { target }, span });
            }
        }
        let blocks = self.lookups(&children, None, span);
        stmts.push(Stmt { kind: StmtKind::Block { blocks }, span });
        Block { stmts }
    }

    /// As deep as the longest path in the source, which the parser bounds.
    fn lookups(
        &self,
        children: &FxHashMap<Option<usize>, Vec<usize>>,
        parent: Option<usize>,
        span: Span,
    ) -> Vec<Block> {
        let mut blocks = Vec::new();
        for &at in children.get(&parent).into_iter().flatten() {
            let Some(path) = self.paths.get(at) else { continue };
            let Some(target) = path.local else { continue };
            let root = if path.data { Local::DATA } else { Local::INPUT };
            let source = parent.and_then(|p| self.paths.get(p)).and_then(|p| p.local).unwrap_or(root);
            let key = Operand::Const(path.key);
            let mut stmts =
                vec![Stmt { kind: StmtKind::Dot { source: Operand::Local(source), key, target }, span }];
            let inner = self.lookups(children, Some(at), span);
            if !inner.is_empty() {
                stmts.push(Stmt { kind: StmtKind::Block { blocks: inner }, span });
            }
            blocks.push(Block { stmts });
        }
        blocks
    }
}

impl Place {
    fn inside(self, kind: &StmtKind) -> Place {
        match kind {
            StmtKind::Scan { .. } => Place { in_loop: true, ..self },
            StmtKind::With { local, .. } | StmtKind::WithDynamic { local, .. } => Place {
                input_changed: self.input_changed || *local == Local::INPUT,
                data_changed: self.data_changed || *local == Local::DATA,
                ..self
            },
            _ => self,
        }
    }
}

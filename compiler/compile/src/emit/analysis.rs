//! Which block a local belongs to, and what is done with it there.
//!
//! A local number may be used again for another purpose in a sibling block. A local gets its *home* in the
//! smallest block in which no other part can see its value; uses under different homes are different
//! variables and may share a register. Blocks are numbered in the order of a walk from the outside in;
//! number 0 is the function itself, whose parts are its blocks.

use crate::ir::{Block, Local, Stmt, StmtKind};
use rustc_hash::{FxHashMap, FxHashSet};

/// What is known of one variable.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Facts {
    /// Statements that read it, once for each place.
    pub(super) reads: u32,
    /// Statements that write it.
    pub(super) writes: u32,
    /// Those of them that make it undefined.
    pub(super) resets: u32,
    /// A collection is made in it or changed in place.
    pub(super) builds: bool,
    /// It is written by something else than `Make*`.
    pub(super) assigned: bool,
    /// It may be read before it is written, so it must be made undefined first.
    pub(super) reset: bool,
}

/// The variables at home in each block.
pub(super) struct Analysis {
    pub(super) homes: Vec<Vec<(Local, Facts)>>,
}

/// A block, or the function itself.
struct Node {
    /// Locals of its own statements.
    direct: FxHashSet<Local>,
    /// Locals of it and all blocks inside.
    occurs: FxHashSet<Local>,
    /// Locals that may be read before they are written in it.
    needs: FxHashSet<Local>,
    children: Vec<usize>,
}

pub(super) fn analyze(params: &[Local], ret: Option<Local>, blocks: &[Block]) -> Analysis {
    let mut walk = Walk { nodes: Vec::new() };
    let root = walk.open();
    for local in params.iter().copied().chain(ret) {
        walk.nodes[root].direct.insert(local);
    }
    for block in blocks {
        let child = walk.block(block, None);
        walk.adopt(root, child, &mut FxHashSet::default());
    }
    walk.close(root);
    let mut homes = place(&walk.nodes);
    count(&mut homes, blocks);
    Analysis { homes }
}

struct Walk {
    nodes: Vec<Node>,
}

impl Walk {
    fn open(&mut self) -> usize {
        self.nodes.push(Node {
            direct: FxHashSet::default(),
            occurs: FxHashSet::default(),
            needs: FxHashSet::default(),
            children: Vec::new(),
        });
        self.nodes.len() - 1
    }

    fn block(&mut self, block: &Block, scan: Option<(Local, Local)>) -> usize {
        let id = self.open();
        let mut written = FxHashSet::default();
        if let Some((key, value)) = scan {
            written.extend([key, value]);
            self.nodes[id].direct.extend([key, value]);
        }
        for stmt in &block.stmts {
            self.stmt(id, &stmt.kind, &mut written);
        }
        self.close(id);
        id
    }

    fn stmt(&mut self, id: usize, kind: &StmtKind, written: &mut FxHashSet<Local>) {
        kind.reads(&mut |local| {
            self.nodes[id].direct.insert(local);
            if !written.contains(&local) {
                self.nodes[id].needs.insert(local);
            }
        });
        let scan = scanned(kind);
        for block in kind.blocks() {
            let child = self.block(block, scan);
            self.adopt(id, child, written);
        }
        if scan.is_none() {
            kind.targets(&mut |local| {
                self.nodes[id].direct.insert(local);
                written.insert(local);
            });
        }
    }

    fn adopt(&mut self, id: usize, child: usize, written: &mut FxHashSet<Local>) {
        let needed: Vec<Local> =
            self.nodes[child].needs.iter().filter(|l| !written.contains(l)).copied().collect();
        self.nodes[id].needs.extend(needed);
        self.nodes[id].children.push(child);
    }

    fn close(&mut self, id: usize) {
        let mut occurs = self.nodes[id].direct.clone();
        for &child in &self.nodes[id].children {
            occurs.extend(self.nodes[child].occurs.iter().copied());
        }
        self.nodes[id].occurs = occurs;
    }
}

fn scanned(kind: &StmtKind) -> Option<(Local, Local)> {
    match kind {
        StmtKind::Scan { key, value, .. } => Some((*key, *value)),
        _ => None,
    }
}

/// From the outside in: a local stays where it is mentioned or where a part needs it from another part.
fn place(nodes: &[Node]) -> Vec<Vec<(Local, Facts)>> {
    let mut homes = vec![Vec::new(); nodes.len()];
    let mut work: Vec<(usize, Vec<Local>)> = vec![(0, nodes[0].occurs.iter().copied().collect())];
    while let Some((id, mut locals)) = work.pop() {
        locals.sort_unstable();
        let node = &nodes[id];
        let needed: FxHashSet<Local> =
            node.children.iter().flat_map(|&c| nodes[c].needs.iter().copied()).collect();
        let (here, below): (Vec<Local>, Vec<Local>) =
            locals.into_iter().partition(|l| node.direct.contains(l) || needed.contains(l));
        let facts = |l: Local| (l, Facts { reset: id != 0 && node.needs.contains(&l), ..Facts::default() });
        homes[id] = here.into_iter().map(facts).collect();
        let below: FxHashSet<Local> = below.into_iter().collect();
        for &child in &node.children {
            work.push((child, nodes[child].occurs.iter().filter(|l| below.contains(l)).copied().collect()));
        }
    }
    homes
}

/// Counts reads and writes of each variable.
fn count(homes: &mut [Vec<(Local, Facts)>], blocks: &[Block]) {
    let mut counter = Counter { homes, scope: FxHashMap::default(), next: 0 };
    let outer = counter.enter();
    blocks.iter().for_each(|b| counter.block(b, None));
    counter.leave(outer);
}

struct Counter<'a> {
    homes: &'a mut [Vec<(Local, Facts)>],
    /// Where the facts of a local are: block and position.
    scope: FxHashMap<Local, (usize, usize)>,
    next: usize,
}

type Hidden = Vec<(Local, Option<(usize, usize)>)>;

impl Counter<'_> {
    fn enter(&mut self) -> Hidden {
        let id = self.next;
        self.next += 1;
        let locals: Vec<Local> = self.homes[id].iter().map(|&(l, _)| l).collect();
        locals.into_iter().enumerate().map(|(at, l)| (l, self.scope.insert(l, (id, at)))).collect()
    }

    fn leave(&mut self, hidden: Hidden) {
        for (local, outer) in hidden {
            match outer {
                Some(place) => self.scope.insert(local, place),
                None => self.scope.remove(&local),
            };
        }
    }

    fn facts(&mut self, local: Local, change: impl FnOnce(&mut Facts)) {
        if let Some(&(block, at)) = self.scope.get(&local) {
            change(&mut self.homes[block][at].1);
        }
    }

    fn block(&mut self, block: &Block, scan: Option<(Local, Local)>) {
        let outer = self.enter();
        for local in scan.into_iter().flat_map(|(k, v)| [k, v]) {
            self.write(local);
        }
        block.stmts.iter().for_each(|s| self.stmt(s));
        self.leave(outer);
    }

    fn write(&mut self, local: Local) {
        self.facts(local, |f| {
            f.writes += 1;
            f.assigned = true;
        });
    }

    fn stmt(&mut self, stmt: &Stmt) {
        stmt.kind.reads(&mut |local| self.facts(local, |f| f.reads += 1));
        let scan = scanned(&stmt.kind);
        stmt.kind.blocks().iter().for_each(|b| self.block(b, scan));
        match &stmt.kind {
            StmtKind::MakeArray { target, .. }
            | StmtKind::MakeObject { target }
            | StmtKind::MakeSet { target } => {
                self.facts(*target, |f| {
                    f.writes += 1;
                    f.builds = true;
                });
            }
            StmtKind::Scan { .. } => {}
            StmtKind::ResetLocal { target } => {
                self.write(*target);
                self.facts(*target, |f| f.resets += 1);
            }
            StmtKind::With { local, .. } | StmtKind::WithDynamic { local, .. } => self.write(*local),
            kind => kind.targets(&mut |local| self.write(local)),
        }
        self.mutation(&stmt.kind);
    }

    fn mutation(&mut self, kind: &StmtKind) {
        match kind {
            StmtKind::ArrayAppend { array: local, .. }
            | StmtKind::SetAdd { set: local, .. }
            | StmtKind::ObjectInsert { object: local, .. }
            | StmtKind::ObjectInsertOnce { object: local, .. } => self.facts(*local, |f| f.builds = true),
            _ => {}
        }
    }
}

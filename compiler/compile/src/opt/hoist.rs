//! Lookups that several bodies or a loop repeat move to the start of the function.
//!
//! `input` and `data` do not change while a function runs, except inside its own `with` statements, which
//! are left alone. A moved lookup that is undefined makes its local undefined, and each place that needed
//! it asks for that, so bodies fail where they failed before.

use super::free_local;
use super::share::written_inside;
use crate::ir::{Block, ConstId, Func, Local, Operand, Policy, Stmt, StmtKind};
use govc_syntax::Span;
use rustc_hash::{FxHashMap, FxHashSet};

/// Moves lookups in every function.
pub(super) fn run(policy: &mut Policy) {
    for func in &mut policy.funcs {
        Hoist::new(func).run(func);
    }
}

/// Where a path starts.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum From {
    Root(Local),
    Path(usize),
}

/// A key of a path: a constant, or the value of another path (`data.limits[input.dept]`).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    Const(ConstId),
    Path(usize),
}

type Step = (From, Key);

/// A path that occurs, by its last step. What it is made of has lower numbers.
struct Path {
    step: Step,
    /// Occurrences, and the same with those in a loop counted twice.
    count: u32,
    weight: u32,
    /// Reads of its value by anything but a longer path.
    reads: u32,
    /// Longer paths.
    longer: Vec<usize>,
    fate: Fate,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// Looked up where it stands.
    Stay,
    /// Looked up at the start, into this local.
    Move(Local),
    /// Nothing but one longer path reads it, which moves.
    Inside(Local),
}

struct Hoist {
    paths: Vec<Path>,
    by_step: FxHashMap<Step, usize>,
    /// Where the occurrences put their values.
    targets: Vec<(usize, Local)>,
    /// Locals that are read where it is not known what they hold.
    unknown: FxHashSet<Local>,
    next: u32,
}

/// What is known on the way through the blocks.
#[derive(Clone, Copy)]
struct Place {
    in_loop: bool,
    input_changed: bool,
    data_changed: bool,
}

type Held = FxHashMap<Local, usize>;

impl Hoist {
    fn new(func: &Func) -> Self {
        Hoist {
            paths: Vec::new(),
            by_step: FxHashMap::default(),
            targets: Vec::new(),
            unknown: FxHashSet::default(),
            next: free_local(func),
        }
    }

    fn run(mut self, func: &mut Func) {
        let place = Place { in_loop: false, input_changed: false, data_changed: false };
        func.blocks.iter().for_each(|b| self.count(b, place, &mut Held::default()));
        for (at, _) in self.targets.iter().filter(|(_, target)| self.unknown.contains(target)) {
            self.paths[*at].reads += 1;
        }
        (0..self.paths.len())
            .filter(|&p| self.paths[p].weight >= 2)
            .collect::<Vec<_>>()
            .into_iter()
            .for_each(|path| self.choose(path));
        self.join();
        if self.paths.iter().all(|p| p.fate == Fate::Stay) {
            return;
        }
        func.blocks.iter_mut().for_each(|b| self.replace(b, place, &mut Held::default()));
        func.blocks.insert(0, self.prelude(func.span));
    }

    /// What a moved path is made of moves with it.
    fn choose(&mut self, path: usize) {
        let mut work = vec![path];
        while let Some(at) = work.pop() {
            if self.paths[at].fate != Fate::Stay {
                continue;
            }
            self.paths[at].fate = Fate::Move(Local(self.next));
            self.next += 1;
            let (from, key) = self.paths[at].step;
            if let From::Path(parent) = from {
                work.push(parent);
            }
            if let Key::Path(key) = key {
                work.push(key);
            }
        }
    }

    fn join(&mut self) {
        for at in 0..self.paths.len() {
            let path = &self.paths[at];
            let (Fate::Move(local), &[child], 0) = (path.fate, path.longer.as_slice(), path.reads) else {
                continue;
            };
            let child = &self.paths[child];
            if child.step.0 == From::Path(at) && child.count == path.count && child.fate != Fate::Stay {
                self.paths[at].fate = Fate::Inside(local);
            }
        }
    }

    fn count(&mut self, block: &Block, place: Place, held: &mut Held) {
        for stmt in &block.stmts {
            if let Some((at, target)) = self.path_of(&stmt.kind, place, held, true) {
                self.paths[at].count += 1;
                self.paths[at].weight += if place.in_loop { 2 } else { 1 };
                self.targets.push((at, target));
                held.insert(target, at);
                continue;
            }
            stmt.kind.reads(&mut |l| match held.get(&l) {
                Some(&at) => self.paths[at].reads += 1,
                None => {
                    self.unknown.insert(l);
                }
            });
            stmt.kind.targets(&mut |l| {
                held.remove(&l);
            });
            let inner = place.inside(&stmt.kind);
            stmt.kind.blocks().iter().for_each(|b| self.count(b, inner, held));
            forget(&stmt.kind, held);
        }
    }

    fn replace(&mut self, block: &mut Block, place: Place, held: &mut Held) {
        for stmt in &mut block.stmts {
            if let Some((at, target)) = self.path_of(&stmt.kind, place, held, false) {
                held.insert(target, at);
                match self.paths[at].fate {
                    Fate::Stay => {}
                    Fate::Move(local) => {
                        stmt.kind = StmtKind::AssignVar { source: Operand::Local(local), target };
                    }
                    Fate::Inside(_) => stmt.kind = StmtKind::Nop,
                }
                continue;
            }
            stmt.kind.targets(&mut |l| {
                held.remove(&l);
            });
            let inner = place.inside(&stmt.kind);
            stmt.kind.blocks_mut().iter_mut().for_each(|b| self.replace(b, inner, held));
            forget(&stmt.kind, held);
        }
    }

    /// The path that a statement looks up, and where it puts the value.
    fn path_of(&mut self, kind: &StmtKind, place: Place, held: &Held, add: bool) -> Option<(usize, Local)> {
        let StmtKind::Dot { source: Operand::Local(source), key, target } = *kind else { return None };
        let from = match source {
            Local::INPUT if place.input_changed => return None,
            Local::DATA if place.data_changed => return None,
            Local::INPUT | Local::DATA => From::Root(source),
            other => From::Path(*held.get(&other)?),
        };
        let key = match key {
            Operand::Const(id) => Key::Const(id),
            Operand::Local(local) => Key::Path(*held.get(&local)?),
            Operand::Bool(_) => return None,
        };
        match self.by_step.get(&(from, key)) {
            Some(&at) => Some((at, target)),
            None if add => Some((self.add((from, key)), target)),
            None => None,
        }
    }

    fn add(&mut self, step: Step) -> usize {
        let at = self.paths.len();
        self.by_step.insert(step, at);
        self.paths.push(Path { step, count: 0, weight: 0, reads: 0, longer: Vec::new(), fate: Fate::Stay });
        if let From::Path(parent) = step.0 {
            self.paths[parent].longer.push(at);
        }
        if let Key::Path(key) = step.1 {
            self.paths[key].longer.push(at);
        }
        at
    }

    /// One block for each lookup: an undefined one ends its block, and so those of what is made of it.
    fn prelude(&self, span: Span) -> Block {
        let moved = self.paths.iter().enumerate().filter_map(|(at, p)| match p.fate {
            Fate::Move(local) => Some((at, local)),
            Fate::Stay | Fate::Inside(_) => None,
        });
        let mut stmts = Vec::new();
        let mut blocks = Vec::new();
        for (at, target) in moved {
            stmts.push(Stmt { kind: StmtKind::ResetLocal { target }, span });
            blocks.push(self.lookup(at, span));
        }
        stmts.push(Stmt { kind: StmtKind::Block { blocks }, span });
        Block { stmts }
    }

    /// The lookup of a path, after those that are inside it.
    fn lookup(&self, at: usize, span: Span) -> Block {
        let mut stmts = Vec::new();
        let mut next = Some(at);
        while let Some(at) = next.take() {
            let (from, key) = self.paths[at].step;
            let source = match from {
                From::Root(local) => local,
                From::Path(parent) => {
                    if let Fate::Inside(_) = self.paths[parent].fate {
                        next = Some(parent);
                    }
                    self.local(parent)
                }
            };
            let key = match key {
                Key::Const(id) => Operand::Const(id),
                Key::Path(path) => Operand::Local(self.local(path)),
            };
            let kind = StmtKind::Dot { source: Operand::Local(source), key, target: self.local(at) };
            stmts.push(Stmt { kind, span });
        }
        stmts.reverse();
        Block { stmts }
    }

    /// Everything that a moved path is made of has a local.
    fn local(&self, path: usize) -> Local {
        match self.paths[path].fate {
            Fate::Move(local) | Fate::Inside(local) => local,
            Fate::Stay => Local::INPUT,
        }
    }
}

/// What a block has set, it may not have reached; a `with` that is passed was reached to its end.
fn forget(kind: &StmtKind, held: &mut Held) {
    if !kind.blocks().is_empty() && !matches!(kind, StmtKind::With { .. } | StmtKind::WithDynamic { .. }) {
        written_inside(kind).iter().for_each(|l| {
            held.remove(l);
        });
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

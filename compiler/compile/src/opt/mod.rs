//! The optimizer: passes from IR to IR that never change an answer.
//!
//! In debug builds the IR is checked between passes, so a broken pass is named by its own failure.

mod dead;
mod defined;
mod hoist;
mod index;
mod inline;
mod lost;
mod member;
mod share;
mod unroll;

use crate::ir::{self, Func, Policy};

/// How much is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing: the plan as it was written.
    None,
    /// All passes.
    #[default]
    Full,
}

type Pass = fn(&mut Policy);

/// The passes in their order: each makes work for the next.
const PASSES: &[(&str, Pass)] = &[
    ("inline", inline::run),
    ("unroll", unroll::run),
    ("share", share::run),
    ("member", member::run),
    ("hoist", hoist::run),
    ("share again", share::run),
    ("dead", dead::run),
    ("defined", defined::run),
    ("dead again", dead::run),
    ("index", index::run),
];

/// Optimizes a policy in place.
pub fn run(policy: &mut Policy, level: Level) {
    verify("plan", policy);
    if level == Level::None {
        return;
    }
    for (name, pass) in PASSES {
        pass(policy);
        verify(name, policy);
    }
}

/// Debug builds stop at the first pass that leaves IR malformed; release builds rely on the verifier of
/// the bytecode.
fn verify(pass: &str, policy: &Policy) {
    if cfg!(debug_assertions) {
        let checked = ir::check(policy);
        debug_assert!(checked.is_ok(), "after {pass}: {checked:?}");
    }
}

/// The first local that a function does not use.
fn free_local(func: &Func) -> u32 {
    let mut next = func.params.iter().map(|p| p.0 + 1).max().unwrap_or(2).max(func.ret.0 + 1);
    let mut work: Vec<&ir::Block> = func.blocks.iter().collect();
    while let Some(block) = work.pop() {
        for stmt in &block.stmts {
            stmt.kind.targets(&mut |l| next = next.max(l.0 + 1));
            stmt.kind.reads(&mut |l| next = next.max(l.0 + 1));
            work.extend(stmt.kind.blocks());
        }
    }
    next
}

//! The optimizer: passes from IR to IR that never change an answer.
//!
//! In debug builds the IR is checked between passes, so a broken pass is named by its own failure.

use crate::ir::{self, Policy};

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

/// The passes in their order.
const PASSES: &[(&str, Pass)] = &[];

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

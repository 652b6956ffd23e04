//! Top-down evaluation: an evaluator that works as OPA's does, step by step, so that it can tell its steps
//! (traces, profiles) and go on where a value is not known (partial evaluation).
//!
//! Decisions are never made here: the VM makes them. The surprising fact: evaluation is written in
//! continuations, so the stack holds all that has been evaluated, and what follows a solution runs deepest.

#![allow(dead_code)]

mod bindings;
mod calls;
mod error;
mod eval;
mod explain;
mod frame;
mod index;
mod json;
mod load;
mod machine;
mod memo;
mod operations;
mod optimize;
mod partial;
mod profile;
mod refs;
mod rename;
mod residual;
mod rules;
mod run;
mod source;
mod statement;
mod term;
mod text;
mod trace;
mod tree;
mod types;
mod unify;
mod visit;
mod with;

pub use error::Error;
pub use eval::{Outcome, Request, Solution, Watch, eval, eval_watched};
pub use explain::Explain;
pub use operations::Operations;
pub use optimize::{Optimization, OptimizeError, optimize};
pub use profile::LineProfile;
pub use residual::{PartialOptions, Residual, partial};
pub use statement::{Operand, OperandKind, Statement, StatementKind};
pub use types::types_in;

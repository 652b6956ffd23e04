//! IR to bytecode: nested blocks become jumps, locals become registers.
//!
//! The surprising fact: collections that are being made live beside the value registers, in builder
//! registers, and [`analysis`] decides statically which locals have one. A value of such a local is frozen
//! just before it is read.

mod analysis;
mod build;
mod call;
mod collect;
mod demand;
mod function;
mod fuse;
mod stmt;

use crate::ir::{self, Const};
use build::ProgramBuilder;
use govc_bytecode::{BuiltinRef, Entrypoint, Literal, Program};
use govc_syntax::{Sources, Span};
use std::fmt;

/// Why an IR program cannot be emitted: it is not well formed, or larger than the format allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmitError {
    /// The function or plan.
    pub function: String,
    /// What is wrong.
    pub reason: &'static str,
}

impl fmt::Display for EmitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot emit `{}`: {}", self.function, self.reason)
    }
}

impl std::error::Error for EmitError {}

/// Emits a program without source positions.
///
/// # Errors
/// When the IR names what does not exist or is too large.
pub fn emit(policy: &ir::Policy) -> Result<Program, EmitError> {
    emit_with(policy, &|_| None)
}

/// Emits a program whose errors tell where they come from: `sources` are those of the compilation.
///
/// # Errors
/// As [`emit`].
pub fn emit_located(policy: &ir::Policy, sources: &Sources) -> Result<Program, EmitError> {
    emit_with(policy, &|span: Span| {
        let known = (span.file.0 as usize) < sources.iter().count().min(policy.files.len());
        let (row, column) = known.then(|| sources.position(span))?;
        Some((span.file.0, u32::try_from(row).ok()?, u32::try_from(column).ok()?))
    })
}

/// Finds file (an index of the policy's `files`), row and column of a span.
pub type Locate<'a> = &'a dyn Fn(Span) -> Option<(u32, u32, u32)>;

/// Emits a program whose positions are what `locate` says.
///
/// # Errors
/// As [`emit`].
pub fn emit_with(policy: &ir::Policy, locate: Locate<'_>) -> Result<Program, EmitError> {
    let mut out = ProgramBuilder::new(policy, locate);
    for func in &policy.funcs {
        out.function(func)?;
    }
    for plan in &policy.plans {
        let function = out.plan(plan)?;
        out.program.entrypoints.push(Entrypoint { name: plan.name.clone(), function });
    }
    Ok(out.finish())
}

fn builtin(b: &ir::Builtin) -> BuiltinRef {
    BuiltinRef { name: b.name.clone(), arity: b.arity }
}

fn literal(c: &Const) -> Literal {
    match c {
        Const::Null => Literal::Null,
        Const::Bool(b) => Literal::Bool(*b),
        Const::Number(text) => Literal::Number(text.clone()),
        Const::String(text) => Literal::String(text.clone()),
        Const::Array(items) => Literal::Array(items.iter().map(literal).collect()),
        Const::Set(items) => Literal::Set(items.iter().map(literal).collect()),
        Const::Object(entries) => {
            Literal::Object(entries.iter().map(|(k, v)| (literal(k), literal(v))).collect())
        }
    }
}

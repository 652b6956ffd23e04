//! Rego syntax trees to verified programs: names, safety, types, plan, optimization, bytecode.

pub mod hir;
pub mod ir;
pub mod opt;
pub mod plan;

pub use plan::{PlanRequest, plan};
pub mod ty;

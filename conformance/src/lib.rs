//! Oracles, conformance suites and benchmarks: everything that measures govc against what we did not write.
//!
//! Reference data lies beside the checkout and is never part of it. Whoever needs it asks [`shared`] or
//! [`opa`], and says plainly that it was skipped where the answer is `None`: the `skip!` macro does.

pub mod cases;
pub mod command_lines;
pub mod fixtures;
pub mod front;
pub mod fuzz;
pub mod gaps;
pub mod optimized;
mod oracle;
pub mod peers;
pub mod pipeline;
pub mod plan;
pub mod plan_cases;
pub mod requests;
pub mod residual;
pub mod topdown;
pub mod world;
pub mod yaml;

pub use oracle::{govc, opa, repository, shared};

/// Says that a test was skipped and why, and returns from it.
#[macro_export]
macro_rules! skip {
    ($($reason:tt)*) => {{
        println!("skipped: {}", format_args!($($reason)*));
        return;
    }};
}

//! Machine code from verified programs.
//!
//! [`compile`] makes the code of an image; [`govc_vm::Image::install`] lets queries use it. The one
//! surprising fact: the code knows only moves, tests, field access, iteration and arithmetic of small
//! integers. At everything else, and at every case that needs more than that, it hands back to the VM at
//! the very instruction, so it cannot mean anything else than the VM does.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let program = govc_bytecode::text::parse(include_str!("../tests/programs/loop.bytecode"))?;
//! let image = govc_vm::Image::load(program, &[])?;
//! let code = govc_jit::compile(&image)?;
//! assert!(code.functions() > 0);
//! image.install(Box::new(code)).map_err(|_| "an image takes code once")?;
//! # Ok(())
//! # }
//! ```

mod code;
mod operations;
mod reach;
mod translate;

pub use code::{Code, clif, compile};

use std::fmt;

/// Why there is no machine code. The VM runs everything without.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JitError {
    /// No machine code for this processor.
    Host(String),
    /// The code generator refused; a defect of ours.
    Codegen(String),
}

impl fmt::Display for JitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JitError::Host(reason) => write!(f, "no machine code for this processor: {reason}"),
            JitError::Codegen(reason) => write!(f, "code generation failed: {reason}"),
        }
    }
}

impl std::error::Error for JitError {}

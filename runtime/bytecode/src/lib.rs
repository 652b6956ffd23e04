//! The program format: what the compiler hands to those who run programs and know no source text.
//!
//! [`Program`] is a register machine's code with its constants. [`ops`] is the one table of instructions from
//! which encoder, decoder, text form and verifier follow; [`encode`] and [`decode`] are the container,
//! [`text::print`] and [`text::parse`] the readable form, and [`verify()`] is what makes a decoded program safe
//! to run. The one surprising fact: "undefined" is no error here, it is a jump target inside the instruction.

mod container;
mod literal;
pub mod ops;
mod program;
pub mod text;
pub mod verify;

pub use container::{DecodeError, MAGIC, VERSION, decode, encode};
pub use literal::Literal;
pub use ops::{OPS, Op, OpInfo, OperandKind};
pub use program::{BuiltinRef, Case, Entrypoint, Function, Location, NO_MEMO, Program, SwitchTable};
pub use verify::{VerifyError, verify};

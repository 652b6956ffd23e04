//! The readable form of a program. Printing and parsing are each other's inverse.
//!
//! One line is one item; `#` begins a comment. A jump target is written `@n`, counted from the start of its
//! function.
//!
//! ```text
//! govc-bytecode 1
//! literal "admin"
//! builtin "sprintf" 2
//! file "policy.rego"
//! list 0 1
//! table l0: @3 @7, l1: @3, else: @9
//! function "g0.data.p.allow" params 2 registers 5 builders 0 memo 0 path "g0" "p" "allow"
//!   dot_str r2 r0 l0 @3 at 0:4:2   # "admin"
//!   return r2
//! entrypoint "p/allow" f0
//! ```

mod parse;
mod print;
mod token;

pub use parse::{ParseError, parse};
pub use print::{literal, print};

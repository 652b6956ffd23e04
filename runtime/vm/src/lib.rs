//! The interpreter: runs a verified program over values. Safe Rust.
//!
//! [`Image::load`] takes a program and base documents; [`run`] answers one query with it. An [`Image`] is
//! shared by all threads; a [`Scratch`] belongs to one and is reused. The one surprising fact: a statement
//! that is undefined is a jump, and only what ends the whole query is an error.

mod builder;
mod builtins;
mod dispatch;
mod error;
mod image;
mod literal;
mod machine;
mod memo;
mod merge;
pub mod native;
mod ops;
mod query;
mod record;
mod scratch;
mod switch;

pub use error::{EvalError, LoadError};
pub use image::Image;
pub use query::{BuiltinErrors, Limits, Outcome, Query, run};
pub use scratch::Scratch;

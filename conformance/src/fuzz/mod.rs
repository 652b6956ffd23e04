//! Random programs, run by us and by the real `opa`: every difference is a fault of one of the two.
//!
//! A campaign is a stream of numbered programs; a number and a seed give a program back. The one surprising fact:
//! `opa` is asked as a server, because there each program is refused or fails alone.

pub mod campaign;
pub mod coverage;
pub mod faults;
pub mod grammar;
pub mod minimize;
pub mod mutate;
pub mod opa;
pub mod ours;
pub mod program;
pub mod random;
pub mod targets;

pub use program::{Outcome, Program};
pub use random::Random;

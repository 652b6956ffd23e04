//! `govc run`: an interactive shell. Not there yet.

use crate::commands::run::Run;
use crate::exit::Exit;
use crate::output;
use crate::problem::{self, Problem};

/// Reads lines until there are no more.
pub(crate) fn start(_args: &Run) -> Exit {
    let problem = Problem::not_yet("`run` without `--server` is not supported yet");
    output::eprintln(&problem::summary(&[problem]));
    Exit::Failure
}

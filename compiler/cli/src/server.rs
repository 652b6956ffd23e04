//! `govc run --server`: OPA's REST API. Not there yet.

use crate::commands::run::Run;
use crate::exit::Exit;
use crate::output;
use crate::problem::{self, Problem};

/// Serves until it is told to end.
pub(crate) fn serve(_args: &Run) -> Exit {
    let problem = Problem::not_yet("`run --server` is not supported yet");
    output::eprintln(&problem::summary(&[problem]));
    Exit::Failure
}

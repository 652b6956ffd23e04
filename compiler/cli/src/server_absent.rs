//! `govc run --server` in a build without the feature `server`: it says so.

use crate::commands::run::Run;
use crate::exit::Exit;
use crate::output;
use crate::problem::{self, Problem};

/// Says that this build has no server.
pub(crate) fn serve(_: &Run) -> Exit {
    let problem = Problem::not_yet("this build of govc has no server (feature `server`)");
    output::eprintln(&problem::summary(&[problem]));
    Exit::Failure
}

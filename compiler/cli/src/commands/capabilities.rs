//! `govc capabilities`: what this version knows, in the form of OPA's capabilities files.

use crate::exit::Exit;
use crate::output;
use crate::problem::Problem;
use clap::Args;

/// Print the builtins and features of govc as OPA's capabilities JSON
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  $ govc capabilities")]
pub(crate) struct Capabilities {
    /// Those of this version, which are the only ones
    #[arg(long)]
    current: bool,
    /// Those of a version of OPA
    #[arg(long, value_name = "VERSION")]
    version: Option<String>,
    /// Those of a file
    #[arg(long, value_name = "FILE")]
    file: Option<String>,
}

pub(crate) fn run(args: &Capabilities) -> Exit {
    let _ = args.current;
    if args.version.is_some() || args.file.is_some() {
        output::eprintln(&Problem::not_yet("capabilities of other versions are not supported yet").line());
        return Exit::Failure;
    }
    output::eprintln(&Problem::not_yet("capabilities are not printed yet").line());
    Exit::Failure
}

//! `govc keygen`: a new key pair in a folder.

use crate::exit::Exit;
use crate::keys;
use crate::output;
use clap::Args;
use std::path::Path;

/// Make a new Ed25519 key: private.pem and public.pem
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  $ govc keygen new-keys")]
pub(crate) struct Keygen {
    /// Folder for the two files
    #[arg(default_value = ".")]
    folder: String,
}

pub(crate) fn run(args: &Keygen) -> Exit {
    match keys::generate(Path::new(&args.folder)) {
        Ok(paths) => {
            paths.iter().for_each(|path| output::println(path));
            Exit::Success
        }
        Err(problem) => {
            output::eprintln(&problem.line());
            Exit::Failure
        }
    }
}

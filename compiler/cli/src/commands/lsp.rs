//! `govc lsp`: the language server on standard input and output.

use crate::exit::Exit;
use crate::output;
use clap::Args;

/// Serve an editor over standard input and output
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  $ govc lsp < /dev/null")]
pub(crate) struct Lsp {
    /// Speak over standard input and output (the only way; editors like to say it)
    #[arg(long)]
    stdio: bool,
}

pub(crate) fn run(_: &Lsp) -> Exit {
    match govc_lsp::serve_stdio() {
        Ok(()) => Exit::Success,
        Err(error) => {
            output::eprintln(&format!("lsp: {error}"));
            Exit::Failure
        }
    }
}

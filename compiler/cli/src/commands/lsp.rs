//! `govc lsp`: the language server on standard input and output.

use crate::exit::Exit;
use crate::files::declared::Declared;
use crate::output;
use clap::Args;
use std::path::Path;

/// Serve an editor over standard input and output
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  $ govc lsp < /dev/null")]
pub(crate) struct Lsp {
    /// Speak over standard input and output (the only way; editors like to say it)
    #[arg(long)]
    stdio: bool,
    /// File that declares more builtins; else the setting `builtins` of each workspace folder's `govc.yaml`
    #[arg(long, value_name = "FILE", env = "REGO_CUSTOM_BUILTINS")]
    builtins: Option<String>,
}

pub(crate) fn run(args: &Lsp) -> Exit {
    let declared = Declared { capabilities: None, builtins: args.builtins.clone() };
    let declarations =
        Box::new(move |folder: &Path| declared.names(folder).map_err(|problem| problem.message));
    match govc_lsp::serve_stdio(declarations) {
        Ok(()) => Exit::Success,
        Err(error) => {
            output::eprintln(&format!("lsp: {error}"));
            Exit::Failure
        }
    }
}

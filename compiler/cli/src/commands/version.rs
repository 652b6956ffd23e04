//! `govc version`.

use crate::exit::Exit;
use crate::output;
use clap::Args;

/// Print the version of govc
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  $ govc version")]
pub(crate) struct Version {
    /// Check for a newer version (govc never calls home: nothing is checked)
    #[arg(short, long)]
    check: bool,
    /// As OPA: words that mean nothing
    #[arg(hide = true)]
    words: Vec<String>,
}

pub(crate) fn run(_: &Version) -> Exit {
    let platform = format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH);
    output::println(&format!(
        "Version: {}\nPlatform: {platform}\nRego Version: v1\nLanguage of: OPA 1.20.2\nWebAssembly: unavailable",
        env!("CARGO_PKG_VERSION")
    ));
    Exit::Success
}

//! `govc completion`: a script that completes command lines in a shell. Exit code 0.

use super::tree;
use crate::exit::Exit;
use crate::output;
use clap::{Args, Subcommand};
use clap_complete::{Shell, generate};

/// Print a script for a shell that completes commands and flags
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  $ govc completion bash")]
pub(crate) struct Completion {
    #[command(subcommand)]
    shell: Option<Named>,
}

/// The shells.
#[derive(Subcommand, Clone, Copy, Debug)]
enum Named {
    /// bash: `source <(govc completion bash)`
    Bash(Flags),
    /// fish: `govc completion fish | source`
    Fish(Flags),
    /// PowerShell: `govc completion powershell | Out-String | Invoke-Expression`
    Powershell(Flags),
    /// zsh: `source <(govc completion zsh)`
    Zsh(Flags),
}

#[derive(Args, Clone, Copy, Debug)]
struct Flags {
    /// Completions have no descriptions
    #[arg(long)]
    no_descriptions: bool,
}

pub(crate) fn run(args: &Completion) -> Exit {
    let mut tree = tree();
    let shell = match args.shell {
        None => {
            let shown =
                tree.find_subcommand_mut("completion").map(|command| command.render_help().to_string());
            output::print(&shown.unwrap_or_default());
            return Exit::Success;
        }
        Some(Named::Bash(_)) => Shell::Bash,
        Some(Named::Fish(_)) => Shell::Fish,
        Some(Named::Powershell(_)) => Shell::PowerShell,
        Some(Named::Zsh(_)) => Shell::Zsh,
    };
    let mut script = Vec::new();
    generate(shell, &mut tree, "govc", &mut script);
    output::print(&String::from_utf8_lossy(&script));
    Exit::Success
}

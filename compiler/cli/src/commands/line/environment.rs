//! `GOVC_EVAL_FORMAT=raw` is `govc eval --format=raw`; a flag that is given wins.

use super::truth;
use clap::{Arg, ArgAction, Command};

/// The command tree, with a variable for each flag of each command that the environment has one for.
pub(crate) fn with_environment(tree: Command) -> Command {
    if !std::env::vars_os().any(|(name, _)| name.to_string_lossy().starts_with("GOVC_")) {
        return tree;
    }
    tree.mut_subcommands(|command| {
        let name = command.get_name().to_owned();
        command.mut_args(|arg| with_variable(&name, arg))
    })
}

fn with_variable(command: &str, arg: Arg) -> Arg {
    let Some(variable) = arg.get_long().map(|flag| variable(command, flag)) else { return arg };
    if arg.get_env().is_some() || std::env::var_os(&variable).is_none() {
        return arg;
    }
    // The name lives as long as the command tree: as long as the process.
    let arg = arg.env(&*variable.leak()).hide_env(true);
    match arg.get_action() {
        ArgAction::SetTrue => {
            arg.value_parser(|text: &str| truth(text).ok_or_else(|| "neither true nor false".to_owned()))
        }
        _ => arg,
    }
}

/// The name of the variable of a flag.
pub(crate) fn variable(command: &str, flag: &str) -> String {
    format!("GOVC_{command}_{flag}").replace('-', "_").to_uppercase()
}

//! The command line before and after clap: environment variables, `--flag=false`, and complaints in OPA's words.
//!
//! Each flag can be given as `GOVC_<COMMAND>_<FLAG>`. What is wrong with a command line is told in its first line exactly as
//! `opa` tells it; below stand the near name and the usage, which are ours.

mod complaint;
mod environment;

pub(crate) use complaint::complain;
pub(crate) use environment::with_environment;

use clap::{ArgAction, Command};

/// The words as clap understands them: it takes no value for a flag that is true or false, so `--flag=true` becomes
/// `--flag`, and `--flag=false` nothing. A value that is neither stays, and is refused.
pub(crate) fn normalize(words: Vec<String>, tree: &Command) -> Vec<String> {
    let Some(command) = called(&words, tree) else { return words };
    let mut literal = false;
    let keep = |word: String| {
        literal |= word == "--";
        match word.strip_prefix("--").and_then(|rest| rest.split_once('=')) {
            Some((name, value)) if !literal && is_switch(command, name) => match truth(value) {
                Some(true) => Some(format!("--{name}")),
                Some(false) => None,
                None => Some(word),
            },
            _ => Some(word),
        }
    };
    words.into_iter().filter_map(keep).collect()
}

/// The command that the words name: the innermost that is known.
pub(crate) fn called<'t>(words: &[String], tree: &'t Command) -> Option<&'t Command> {
    let mut found = None;
    let mut at = tree;
    for word in words.iter().skip(1).take_while(|word| !word.starts_with('-')) {
        match at.find_subcommand(word) {
            Some(command) => (at, found) = (command, Some(command)),
            None => break,
        }
    }
    found
}

fn is_switch(command: &Command, name: &str) -> bool {
    let named = |arg: &&clap::Arg| {
        arg.get_long() == Some(name) || arg.get_all_aliases().is_some_and(|others| others.contains(&name))
    };
    command.get_arguments().find(named).is_some_and(|arg| matches!(arg.get_action(), ArgAction::SetTrue))
}

/// The words that Go takes for true and false.
pub(crate) fn truth(word: &str) -> Option<bool> {
    match word {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

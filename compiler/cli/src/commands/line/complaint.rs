//! What clap finds wrong, in the words of OPA's flag parser.

use super::{called, environment::variable, truth};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command, Error};
use std::time::Duration;

/// Complaints of OPA's commands about their arguments: the command, about too few, about too many.
const ARGUMENTS: &[(&str, &str, &str)] = &[
    ("bench", "specify query argument or --stdin", "specify at most one query argument"),
    ("build", "expected at least one path", ""),
    ("check", "specify at least one file", ""),
    ("deps", "specify exactly one query argument", "specify exactly one query argument"),
    ("eval", "specify query argument or --stdin", "specify at most one query argument"),
    (
        "find-definition",
        "expected exactly one position <filename>:<offset>",
        "expected exactly one position <filename>:<offset>",
    ),
    ("inspect", "specify exactly one OPA bundle or path", "specify exactly one OPA bundle or path"),
    ("move", "specify at least one path containing policy files", ""),
    ("parse", "no source file specified", ""),
    ("sign", "specify atleast one path containing policy and/or data files", ""),
    ("test", "specify at least one file", ""),
];

/// The complaint about a command line, with the near name and the usage.
pub(crate) fn complain(error: &Error, words: &[String], tree: &Command) -> String {
    let command = called(words, tree);
    let mut text = format!("Error: {}\n", first_line(error, words, command.unwrap_or(tree)));
    if let Some(tip) = tip(error) {
        text.push_str(&format!("\n{tip}\n"));
    }
    let name = command.map_or_else(|| "govc".to_owned(), |c| format!("govc {}", path(words, tree, c)));
    if let Some(command) = command {
        text.push_str(&format!("\n{}\n", command.clone().render_usage()));
    }
    text.push_str(&format!("\nRun `{name} --help` for all that can be said here\n"));
    text
}

/// `refactor move`, not `move`.
fn path(words: &[String], tree: &Command, command: &Command) -> String {
    match words.get(1) {
        Some(first) if tree.find_subcommand(first).is_some_and(|found| !std::ptr::eq(found, command)) => {
            format!("{first} {}", command.get_name())
        }
        _ => command.get_name().to_owned(),
    }
}

fn first_line(error: &Error, words: &[String], command: &Command) -> String {
    let argument = text(error, ContextKind::InvalidArg);
    let known = |at: fn(&(&'static str, &'static str, &'static str)) -> &'static str| {
        ARGUMENTS.iter().find(|row| row.0 == command.get_name()).map(at).filter(|text| !text.is_empty())
    };
    match error.kind() {
        ErrorKind::UnknownArgument if argument.starts_with("--") => {
            format!("unknown flag: {}", argument.split('=').next().unwrap_or(&argument))
        }
        ErrorKind::UnknownArgument if argument.starts_with('-') => unknown_letter(&argument, words),
        ErrorKind::UnknownArgument => {
            known(|row| row.2).map_or_else(|| format!("unexpected argument `{argument}`"), str::to_owned)
        }
        ErrorKind::InvalidSubcommand => {
            format!("unknown command \"{}\" for \"govc\"", text(error, ContextKind::InvalidSubcommand))
        }
        ErrorKind::MissingRequiredArgument => {
            known(|row| row.1).map_or_else(|| required(error), str::to_owned)
        }
        ErrorKind::InvalidValue | ErrorKind::ValueValidation | ErrorKind::TooManyValues => {
            value(error, &argument, words, command)
        }
        _ => plain(error),
    }
}

fn text(error: &Error, kind: ContextKind) -> String {
    match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(many)) => many.join(", "),
        _ => String::new(),
    }
}

/// clap's own first line.
fn plain(error: &Error) -> String {
    let shown = error.render().to_string();
    let line = shown.lines().next().unwrap_or_default();
    line.strip_prefix("error: ").unwrap_or(line).to_owned()
}

fn required(error: &Error) -> String {
    format!("specify {}", text(error, ContextKind::InvalidArg))
}

fn unknown_letter(argument: &str, words: &[String]) -> String {
    let letter = argument.chars().nth(1).unwrap_or_default();
    let short = |word: &&String| word.starts_with('-') && !word.starts_with("--") && word.contains(letter);
    let word = words.iter().find(short).map_or(argument, String::as_str);
    format!("unknown shorthand flag: '{letter}' in {word}")
}

/// A value that is missing or wrong.
fn value(error: &Error, argument: &str, words: &[String], command: &Command) -> String {
    let long = argument.strip_prefix("--").and_then(|rest| rest.split([' ', '=', '[']).next());
    let arg = command.get_arguments().find(|arg| long.is_some() && arg.get_long() == long);
    let Some(arg) = arg else { return plain(error) };
    let given = text(error, ContextKind::InvalidValue);
    if given.is_empty() && error.kind() == ErrorKind::InvalidValue {
        return missing_value(arg, words);
    }
    if arg.get_long() == Some("coverage-runs") {
        return format!(
            "invalid --coverage-runs value \"{given}\" (expected \"index_excluded\" or \"early_exit\")"
        );
    }
    let flag = match (arg.get_short(), arg.get_long().unwrap_or_default()) {
        (Some(letter), long) => format!("-{letter}, --{long}"),
        (None, long) => format!("--{long}"),
    };
    let complaint = format!("invalid argument \"{given}\" for \"{flag}\" flag: {}", why(error, arg, &given));
    let from = variable(command.get_name(), arg.get_long().unwrap_or_default());
    let typed = words.iter().any(|word| word.ends_with(&given));
    match std::env::var(from) {
        Ok(value) if value == given && !typed => {
            format!("error mapping environment variables to command flags: {complaint}")
        }
        _ => complaint,
    }
}

/// A flag at the end of the words has no value.
fn missing_value(arg: &Arg, words: &[String]) -> String {
    let last = words.last().map(String::as_str).unwrap_or_default();
    match arg.get_short() {
        Some(letter) if last.starts_with('-') && !last.starts_with("--") => {
            format!("flag needs an argument: '{letter}' in {last}")
        }
        _ => format!("flag needs an argument: --{}", arg.get_long().unwrap_or_default()),
    }
}

fn why(error: &Error, arg: &Arg, given: &str) -> String {
    let names = arg.get_possible_values();
    let kind = arg.get_value_parser().type_id();
    let is = |types: &[std::any::TypeId]| types.iter().any(|t| kind == *t);
    let parsing = |what: &str| format!("strconv.{what}: parsing \"{given}\": invalid syntax");
    match () {
        () if is(&[std::any::TypeId::of::<bool>()]) || truth(given).is_some() && names.is_empty() => {
            parsing("ParseBool")
        }
        () if !names.is_empty() => {
            let names: Vec<&str> = names.iter().map(|name| name.get_name()).collect();
            format!("must be one of {{{}}}", names.join(","))
        }
        () if is(&[std::any::TypeId::of::<Duration>()]) => format!("time: invalid duration \"{given}\""),
        () if is(&[std::any::TypeId::of::<f64>()]) => parsing("ParseFloat"),
        () if is(&INTEGERS.map(|of| of())) => parsing("ParseInt"),
        () => std::error::Error::source(error).map_or_else(|| plain(error), ToString::to_string),
    }
}

const INTEGERS: [fn() -> std::any::TypeId; 5] = [
    std::any::TypeId::of::<i64>,
    std::any::TypeId::of::<u32>,
    std::any::TypeId::of::<u64>,
    std::any::TypeId::of::<usize>,
    std::any::TypeId::of::<u8>,
];

/// The near name.
fn tip(error: &Error) -> Option<String> {
    let near = |kind| Some(text(error, kind)).filter(|text| !text.is_empty());
    if let Some(command) = near(ContextKind::SuggestedSubcommand) {
        return Some(format!("Did you mean this?\n\t{}", command.replace(", ", "\n\t")));
    }
    let name = near(ContextKind::SuggestedArg).or_else(|| near(ContextKind::SuggestedValue))?;
    let name = name.split(' ').next().unwrap_or_default();
    Some(format!("Did you mean this?\n\t{name}"))
}

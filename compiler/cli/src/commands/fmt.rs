//! `govc fmt`: lays policies out as `opa fmt` does. Exit code 0; 1 when a file cannot be read; 2 for everything else.

use crate::exit::Exit;
use crate::files::{io_problem, join};
use crate::output;
use crate::problem::{self, Problem};
use clap::Args;
use govc_syntax::format::{FormatError, FormatOptions, FormatTarget, format_source};
use govc_syntax::{ParseOptions, Sources};
use std::io::Read;
use std::path::Path;

/// Format policies
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  $ govc fmt policy/access.rego\n  $ govc fmt --list --fail policy\n  \
                        $ govc fmt --write policy")]
pub(crate) struct Fmt {
    /// Files and folders; without any, standard input
    paths: Vec<String>,
    /// Print the names of the files that would change
    #[arg(short, long)]
    list: bool,
    /// Print what would change
    #[arg(short, long)]
    diff: bool,
    /// Write the files
    #[arg(short, long)]
    write: bool,
    /// Exit with 2 when a file would change
    #[arg(long)]
    fail: bool,
    /// Parse what was formatted again
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    check_result: bool,
    /// Leave out imports that v1 does not need
    #[arg(long)]
    drop_v0_imports: bool,
    /// Read v0 and write what is v0 and v1 at once
    #[arg(long, alias = "rego-v1")]
    v0_v1: bool,
    /// Read and write v0
    #[arg(long)]
    v0_compatible: bool,
    /// Formatting needs to know no builtins, so this changes nothing
    #[arg(long, hide = true, value_parser = crate::files::declared::known)]
    capabilities: Option<String>,
    /// Read and write v1 (the default)
    #[arg(long, hide = true)]
    v1_compatible: bool,
}

/// Why formatting stops.
enum Stop {
    /// A file cannot be read: 1.
    Unread(String),
    /// Everything else: 2.
    Refused(String),
}

pub(crate) fn run(args: &Fmt) -> Exit {
    let done = if args.paths.is_empty() { standard_input(args) } else { each(args) };
    match done {
        Ok(()) => Exit::Success,
        Err(Stop::Unread(text)) => {
            output::eprintln(&text);
            Exit::Failure
        }
        Err(Stop::Refused(text)) => {
            output::eprintln(&text);
            Exit::Error
        }
    }
}

fn options(args: &Fmt) -> FormatOptions {
    let target = match () {
        () if args.v0_compatible => FormatTarget::V0,
        () if args.v0_v1 => FormatTarget::V0ToV1,
        () => FormatTarget::V1,
    };
    FormatOptions { target, drop_v0_imports: args.drop_v0_imports }
}

fn standard_input(args: &Fmt) -> Result<(), Stop> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map_err(|error| Stop::Unread(error.to_string()))?;
    let formatted =
        format_source(&text, options(args)).map_err(|error| Stop::Unread(told("stdin", &text, &error)))?;
    output::print(&formatted);
    Ok(())
}

fn each(args: &Fmt) -> Result<(), Stop> {
    args.paths.iter().try_for_each(|path| walk(args, path.strip_prefix("file://").unwrap_or(path)))
}

fn walk(args: &Fmt, path: &str) -> Result<(), Stop> {
    let unread = |verb: &str, error: &std::io::Error| Stop::Unread(io_problem(verb, path, error).message);
    let info = std::fs::symlink_metadata(path).map_err(|error| unread("lstat", &error))?;
    if info.is_dir() {
        let entries = std::fs::read_dir(path).map_err(|error| unread("open", &error))?;
        let mut names: Vec<_> =
            entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        return names.iter().try_for_each(|name| walk(args, &join(path, name)));
    }
    if Path::new(path).extension().is_none_or(|ending| ending != "rego") {
        return Ok(());
    }
    file(args, path)
}

fn file(args: &Fmt, path: &str) -> Result<(), Stop> {
    let failed = |error: &std::io::Error| {
        Stop::Refused(format!("failed to open file: {}", io_problem("open", path, error).message))
    };
    let text = std::fs::read_to_string(path).map_err(|error| failed(&error))?;
    let told = |error: &FormatError| {
        Stop::Refused(format!("failed to format Rego source file: {}", told(path, &text, error)))
    };
    let formatted = format_source(&text, options(args)).map_err(|error| told(&error))?;
    if args.check_result {
        check_result(args, path, &formatted)?;
    }
    let changed = text != formatted;
    if changed && args.list {
        output::println(path);
    } else if changed && args.diff {
        output::print(&difference(&text, &formatted));
    }
    if changed && args.fail {
        return Err(Stop::Refused("unexpected diff".to_owned()));
    }
    match () {
        () if args.list || args.diff => {}
        () if args.write && changed => std::fs::write(path, formatted).map_err(|error| failed(&error))?,
        () if args.write => {}
        () => output::print(&formatted),
    }
    Ok(())
}

/// What was formatted must parse.
fn check_result(args: &Fmt, path: &str, formatted: &str) -> Result<(), Stop> {
    let file = Sources::default().add("formatted", "");
    let parse = ParseOptions { version: options(args).target.reads(), ..ParseOptions::default() };
    let found = govc_syntax::parse_module(file, formatted, &parse).diagnostics;
    if found.is_empty() {
        return Ok(());
    }
    Err(Stop::Refused(format!(
        "{path} was successfully formatted, but the result is invalid: {}\n\nTo inspect the formatted Rego, you can \
         turn off this check with --check-result=false.",
        told("formatted", formatted, &FormatError::Parse(found))
    )))
}

/// OPA's text of an error.
fn told(path: &str, text: &str, error: &FormatError) -> String {
    match error {
        FormatError::Parse(found) => {
            let mut sources = Sources::default();
            sources.add(path, text);
            let problems: Vec<Problem> =
                found.iter().map(|d| Problem::from_diagnostic(d, &sources)).collect();
            match problems.as_slice() {
                [one] if one.message == "empty module" => one.line(),
                many => problem::summary(many),
            }
        }
        other => other.to_string(),
    }
}

/// The lines that differ, between the lines that both texts begin and end with.
fn difference(old: &str, new: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let same = |pair: &(&&str, &&str)| pair.0 == pair.1;
    let front = old.iter().zip(&new).take_while(same).count();
    let (old, new) = (&old[front..], &new[front..]);
    let back = old.iter().rev().zip(new.iter().rev()).take_while(same).count();
    let lines = |mark: char, lines: &[&str]| -> String {
        lines[..lines.len() - back].iter().map(|line| format!("{mark}{line}\n")).collect()
    };
    format!("@@ line {} @@\n{}{}", front + 1, lines('-', old), lines('+', new))
}

#[cfg(test)]
mod tests {
    use super::difference;

    #[test]
    fn shows_the_lines_between_what_is_equal() {
        assert_eq!(difference("a\nb\nc\n", "a\nx\ny\nc\n"), "@@ line 2 @@\n-b\n+x\n+y\n");
        assert_eq!(difference("a\n", "a\na\n"), "@@ line 2 @@\n+a\n");
    }
}

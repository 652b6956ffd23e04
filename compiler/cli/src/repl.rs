//! `govc run`: an interactive shell. Rules are defined as they are typed, everything else is evaluated.
//!
//! All that is defined lives in modules of the session, beside the policies and data that were loaded; the document
//! `data.repl.input` is the input of every query. Where standard input is no terminal, the lines are a script.

mod command;
mod evaluate;
mod help;
mod session;
mod statement;

use crate::commands::run::Run;
use crate::exit::Exit;
use crate::files;
use crate::output;
use crate::problem;
use rustyline::error::ReadlineError;
use session::Session;
use std::io::{BufRead, IsTerminal};
use std::path::PathBuf;

/// What a line leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Line,
    End,
}

/// Reads lines until there are no more.
pub(crate) fn start(args: &Run) -> Exit {
    if args.watch {
        let problem = problem::Problem::not_yet("`--watch` is not supported without `--server` yet");
        return refuse(&problem::summary(&[problem]));
    }
    let (data, bundles) = match args.bundle {
        true => (Vec::new(), args.paths.clone()),
        false => (args.paths.clone(), Vec::new()),
    };
    let loaded = files::load(&files::Request {
        data,
        bundles,
        ignore: args.ignore.clone(),
        only_rego: false,
        parse: args.language.parse(),
        declared: args.language.declared(),
    });
    if !loaded.problems.is_empty() {
        return refuse(&format!("load error: {}", problem::loading_summary(&loaded.problems)));
    }
    let limit = usize::try_from(args.max_errors).unwrap_or(0);
    let mut session = Session::new(loaded, args.language.parse(), limit, args.shell.format == "json");
    if let Err(problems) = session.check() {
        return refuse(&format!("initialization error: {}", problem::summary(&problems)));
    }
    output::println(&format!(
        "govc {}\n\nRun 'help' to see a list of commands and check for updates.\n",
        env!("CARGO_PKG_VERSION")
    ));
    match std::io::stdin().is_terminal() {
        true => converse(&mut session, args.shell.history.clone().map_or_else(history, PathBuf::from)),
        false => follow(&mut session),
    }
}

/// As OPA: what stops the start is printed on standard output.
fn refuse(text: &str) -> Exit {
    output::println(&format!("error: {text}"));
    Exit::Failure
}

fn history() -> PathBuf {
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    home.join(".govc_history")
}

/// A script: no prompts.
fn follow(session: &mut Session) -> Exit {
    for line in std::io::stdin().lock().lines() {
        match line {
            Ok(line) if session.line(&line) == Next::End => break,
            Ok(_) => {}
            Err(error) => return refuse(&error.to_string()),
        }
    }
    Exit::Success
}

/// A terminal: prompts, a line editor, and a history.
fn converse(session: &mut Session, history: PathBuf) -> Exit {
    let Ok(mut editor) = rustyline::DefaultEditor::new() else { return follow(session) };
    // There is none the first time.
    let _ = editor.load_history(&history);
    loop {
        match editor.readline(session.prompt()) {
            Ok(line) => {
                if !line.trim().is_empty() && line.trim() != "exit" {
                    let _ = editor.add_history_entry(&line);
                    let _ = editor.append_history(&history);
                }
                if session.line(&line) == Next::End {
                    return Exit::Success;
                }
            }
            Err(ReadlineError::Interrupted) => session.forget(),
            Err(ReadlineError::Eof) if leave(&mut editor) => return Exit::Success,
            Err(ReadlineError::Eof) => {}
            Err(error) => return refuse(&error.to_string()),
        }
    }
}

/// Asks whether the end of the input was meant.
fn leave(editor: &mut rustyline::DefaultEditor) -> bool {
    match editor.readline("Do you want to exit ([y]/n)? ") {
        Ok(answer) => matches!(answer.to_lowercase().as_str(), "" | "y" | "yes"),
        Err(ReadlineError::Interrupted) => false,
        Err(_) => true,
    }
}

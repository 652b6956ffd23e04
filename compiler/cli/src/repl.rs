//! `govc run`: an interactive shell. Rules are defined as they are typed, everything else is evaluated.
//!
//! All that is defined lives in modules of the session, beside the policies and data that were loaded; the document
//! `data.repl.input` is the input of every query. Where standard input is no terminal, the lines are a script.

mod command;
mod evaluate;
mod help;
mod session;
mod statement;
mod stepwise;

use crate::commands::run::Run;
use crate::duration;
use crate::exit::Exit;
use crate::files;
use crate::output;
use crate::problem;
use crate::watch;
use rustyline::error::ReadlineError;
use session::Session;
use std::io::{BufRead, IsTerminal};
use std::path::PathBuf;
use std::time::Instant;

/// What a line leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Line,
    End,
}

/// Reads lines until there are no more.
pub(crate) fn start(args: &Run) -> Exit {
    let loaded = load(args);
    if !loaded.problems.is_empty() {
        return refuse(&format!("load error: {}", problem::loading_summary(&loaded.problems)));
    }
    let limit = usize::try_from(args.max_errors).unwrap_or(0);
    let session = Session::new(loaded, args.language.parse(), limit, args.shell.format == "json");
    if let Err(problems) = session.check() {
        return refuse(&format!("initialization error: {}", problem::summary(&problems)));
    }
    output::println(&format!(
        "govc {}\n\nRun 'help' to see a list of commands and check for updates.\n",
        env!("CARGO_PKG_VERSION")
    ));
    let mut conversation = Conversation { session, args, seen: watch::marks(&args.paths) };
    match std::io::stdin().is_terminal() {
        true => converse(&mut conversation, args.shell.history.clone().map_or_else(history, PathBuf::from)),
        false => follow(&mut conversation),
    }
}

fn load(args: &Run) -> files::Loaded {
    let (data, bundles) = match args.bundle {
        true => (Vec::new(), args.paths.clone()),
        false => (args.paths.clone(), Vec::new()),
    };
    files::load(&files::Request {
        data,
        bundles,
        wording: files::Wording::Plain,
        ignore: args.ignore.clone(),
        only_rego: false,
        parse: args.language.parse(),
        declared: args.language.declared(),
    })
}

/// A session, and the files that it was made from.
struct Conversation<'a> {
    session: Session,
    args: &'a Run,
    seen: watch::Marks,
}

impl Conversation<'_> {
    /// Does what a line says, over files as they are now if they are watched.
    fn line(&mut self, line: &str) -> Next {
        if self.args.watch {
            self.look();
        }
        self.session.line(line)
    }

    /// Loads again what has changed. The notes are OPA's.
    fn look(&mut self) {
        let now = watch::marks(&self.args.paths);
        if now == self.seen {
            return;
        }
        self.seen = now;
        let started = Instant::now();
        let loaded = load(self.args);
        let failed = match loaded.problems.is_empty() {
            true => self.session.reload(loaded).err(),
            false => Some(loaded.problems),
        };
        let took = duration::text(started.elapsed());
        output::println(&match failed {
            None => format!("\n# reloaded files (took {took})"),
            Some(problems) => {
                format!("\n# reload error (took {took}): {}", problem::loading_summary(&problems))
            }
        });
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
fn follow(conversation: &mut Conversation<'_>) -> Exit {
    for line in std::io::stdin().lock().lines() {
        match line {
            Ok(line) if conversation.line(&line) == Next::End => break,
            Ok(_) => {}
            Err(error) => return refuse(&error.to_string()),
        }
    }
    Exit::Success
}

/// A terminal: prompts, a line editor, and a history.
fn converse(conversation: &mut Conversation<'_>, history: PathBuf) -> Exit {
    let Ok(mut editor) = rustyline::DefaultEditor::new() else { return follow(conversation) };
    // There is none the first time.
    let _ = editor.load_history(&history);
    loop {
        match editor.readline(conversation.session.prompt()) {
            Ok(line) => {
                if !line.trim().is_empty() && line.trim() != "exit" {
                    let _ = editor.add_history_entry(&line);
                    let _ = editor.append_history(&history);
                }
                if conversation.line(&line) == Next::End {
                    return Exit::Success;
                }
            }
            Err(ReadlineError::Interrupted) => conversation.session.forget(),
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

//! `govc audit verify`: does the log hold together? Exit code 0 or 1.

use crate::exit::Exit;
use crate::output::{self, Node};
use crate::problem::Problem;
use crate::record;
use clap::{Args, Subcommand};
use govc_engine::audit::{AuditError, Head, is_agent_safe_line, verify_agent_safe_lines, verify_lines};
use std::fs::File;
use std::io::{BufRead, BufReader, Seek};

/// Work with audit logs
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  $ govc audit verify audit")]
pub(crate) struct Audit {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand, Debug)]
enum Action {
    Verify(Verify),
}

/// Check every entry of a log and the chain between them; logs of Agent-Safe too
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  $ govc audit verify audit")]
struct Verify {
    /// The log, or its folder
    path: String,
    /// A head seen before, which must be in the log
    #[arg(long, value_name = "HASH")]
    head: Option<String>,
}

pub(crate) fn run(args: &Audit) -> Exit {
    let Action::Verify(args) = &args.action;
    match verify(args) {
        Ok(node) => {
            output::println(&node.pretty());
            Exit::Success
        }
        Err(problem) => {
            let object = vec![
                ("valid".to_owned(), Node::bool(false)),
                ("code".to_owned(), Node::string(&problem.code)),
                ("reason".to_owned(), Node::string(&problem.message)),
            ];
            output::println(&Node::Object(object).pretty());
            Exit::Failure
        }
    }
}

/// Reads only: a log that was cut off is reported, not repaired.
fn verify(args: &Verify) -> Result<Node, Problem> {
    let path = record::file(&args.path);
    let file = File::open(&path).map_err(|error| {
        Problem::coded("govc_file", crate::files::io_problem("open", &args.path, &error).message)
    })?;
    let head = whole(BufReader::new(file), args.head.as_deref()).map_err(|error| record::problem(&error))?;
    Ok(Node::Object(vec![
        ("valid".to_owned(), Node::bool(true)),
        ("entries".to_owned(), Node::int(i64::try_from(head.size).unwrap_or(i64::MAX))),
        ("head".to_owned(), Node::string(&head.hash)),
    ]))
}

/// Checks a log of ours or of Agent-Safe; its first entry tells which.
fn whole(mut log: BufReader<File>, head: Option<&str>) -> Result<Head, AuditError> {
    let mut first = Vec::new();
    while first.trim_ascii().is_empty() {
        first.clear();
        if log.read_until(b'\n', &mut first)? == 0 {
            break;
        }
    }
    log.rewind()?;
    if is_agent_safe_line(&first) { verify_agent_safe_lines(log, head) } else { verify_lines(log, head) }
}

//! Checks a log in JSON lines: does the chain hold together?

use crate::output::Node;
use crate::problem::Problem;
use crate::record;
use govc_engine::audit::{AuditError, Head, is_agent_safe_line, verify_agent_safe_lines, verify_lines};
use std::fs::File;
use std::io::{BufRead, BufReader, Seek};

/// Reads only: a log that was cut off is reported, not repaired.
pub(super) fn verify(path: &str, head: Option<&str>) -> Result<Node, Problem> {
    let file = File::open(record::file(path)).map_err(|error| {
        Problem::coded("govc_file", crate::files::io_problem("open", path, &error).message)
    })?;
    let head = whole(BufReader::new(file), head).map_err(|error| record::problem(&error))?;
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

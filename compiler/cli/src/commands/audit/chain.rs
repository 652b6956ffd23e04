//! Checks a log of Agent-Safe: does the chain of its lines hold together?

use crate::output::Node;
use crate::problem::Problem;
use govc_audit::chain;
use std::fs::File;
use std::io::BufReader;

/// Reads only: a log that was cut off is reported, not repaired.
pub(super) fn verify(path: &str, head: Option<&str>) -> Result<Node, Problem> {
    let file = File::open(path).map_err(|error| {
        Problem::coded("govc_file", crate::files::io_problem("open", path, &error).message)
    })?;
    let head = chain::verify(BufReader::new(file), head)?;
    Ok(Node::Object(vec![
        ("valid".to_owned(), Node::bool(true)),
        ("entries".to_owned(), Node::int(i64::try_from(head.size).unwrap_or(i64::MAX))),
        ("head".to_owned(), Node::string(&head.hash)),
    ]))
}

//! Lines in brackets that stand too far to the left.
//!
//! The one surprising fact: YAML 1.2 wants every line of a flow collection at least as deep as the key before it,
//! but most tools, OPA's library among them, do not look.

use saphyr_parser::Parser;
use std::borrow::Cow;

/// Lines that are moved in one text; each costs another reading.
const MAX_MOVES: usize = 256;
const DEEPER: &str = "                                ";

/// The same text with such lines moved to the right, where it has any.
///
/// ```
/// let text = govc_stdlib::deepened("a:\n  b: [\n    1\n ]\n");
/// assert!(text.lines().nth(3).is_some_and(|line| line.len() > 3));
/// ```
pub fn deepened(text: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(text);
    for _ in 0..MAX_MOVES {
        let Some(start) = shallow_line(&text) else { break };
        text.to_mut().insert_str(start, DEEPER);
    }
    text
}

/// The first byte of the line at which the parser stops because it is not deep enough.
fn shallow_line(text: &str) -> Option<usize> {
    let error = Parser::new_from_str(text).find_map(Result::err)?;
    if !matches!(error.info(), "invalid indentation" | "invalid indentation in flow construct") {
        return None;
    }
    let line = error.marker().line().checked_sub(1)?;
    let start = match line {
        0 => 0,
        line => text.match_indices('\n').nth(line - 1)?.0 + 1,
    };
    (!text.get(start..)?.starts_with(DEEPER)).then_some(start)
}

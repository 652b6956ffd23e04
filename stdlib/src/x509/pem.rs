//! PEM blocks among other text.
//!
//! The one surprising fact: what is no whole block is passed over, as OPA does.

use crate::encoding::base64::{Alphabet, decode};

/// A block: its kind, and what it holds.
pub(super) struct Block<'t> {
    pub(super) kind: &'t str,
    pub(super) content: Vec<u8>,
}

/// The first block of a text, and what follows it.
pub(super) fn next(text: &str) -> Option<(Block<'_>, &str)> {
    let mut rest = text;
    loop {
        let start = rest.find("-----BEGIN ")?;
        let at_line_start = start == 0 || rest.get(..start)?.ends_with('\n');
        rest = rest.get(start + "-----BEGIN ".len()..)?;
        if at_line_start && let Some(found) = block(rest) {
            return Some(found);
        }
    }
}

/// A block behind its opening words.
fn block(text: &str) -> Option<(Block<'_>, &str)> {
    let (line, body) = text.split_once('\n')?;
    let kind = line.trim_end_matches([' ', '\t', '\r']).strip_suffix("-----")?;
    let closing = format!("-----END {kind}-----");
    let end = body.find(&closing)?;
    let (inner, rest) = (body.get(..end)?, body.get(end + closing.len()..)?);
    if !(inner.is_empty() || inner.ends_with('\n')) {
        return None;
    }
    let after = rest.split_once('\n').map_or(rest, |(line, _)| line);
    if !after.trim().is_empty() {
        return None;
    }
    let encoded: String = inner
        .lines()
        .filter(|line| !line.contains(':'))
        .flat_map(|line| line.chars().filter(|c| !c.is_whitespace()))
        .collect();
    let content = decode(encoded.as_bytes(), Alphabet::Standard, true).ok()?;
    Some((Block { kind, content }, rest.split_once('\n').map_or("", |(_, rest)| rest)))
}

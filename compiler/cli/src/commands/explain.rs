//! `govc explain CODE`: one page for each code, from the table in `pages.txt`.

use crate::exit::Exit;
use crate::output;
use clap::Args;

/// Tell what a code means and what would be right
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  $ govc explain rego_unsafe_var_error\n  $ govc explain --all")]
pub(crate) struct Explain {
    /// The code, such as `rego_unsafe_var_error` or `govc_not_yet`
    #[arg(required_unless_present = "all")]
    code: Option<String>,
    /// All codes, one line each
    #[arg(long)]
    all: bool,
}

/// Pages: a line `# code` and the text up to the next such line.
const PAGES: &str = include_str!("explain/pages.txt");

pub(crate) fn run(args: &Explain) -> Exit {
    match &args.code {
        Some(code) if !args.all => page(code),
        _ => list(),
    }
}

fn pages() -> impl Iterator<Item = (&'static str, &'static str)> {
    PAGES
        .split("\n# ")
        .filter_map(|page| page.trim_start_matches("# ").split_once('\n'))
        .map(|(c, t)| (c, t.trim()))
}

fn page(code: &str) -> Exit {
    match pages().find(|(name, _)| *name == code) {
        Some((name, text)) => {
            output::println(&format!("{name}\n\n{text}"));
            Exit::Success
        }
        None => {
            let near =
                pages().map(|(name, _)| name).min_by_key(|name| distance(name, code)).unwrap_or_default();
            output::eprintln(&format!("no page for code `{code}`; did you mean `{near}`?"));
            Exit::Failure
        }
    }
}

fn list() -> Exit {
    for (name, text) in pages() {
        output::println(&format!("{name}: {}", text.lines().next().unwrap_or_default()));
    }
    Exit::Success
}

/// Levenshtein distance in bytes.
pub(crate) fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let cost = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = cost.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_sorted_and_not_empty() {
        let names: Vec<&str> = pages().map(|(name, _)| name).collect();
        assert!(names.len() > 20);
        assert!(names.windows(2).all(|w| w[0] < w[1]), "{names:?}");
        assert!(pages().all(|(_, text)| !text.is_empty()));
    }

    #[test]
    fn counts_edits() {
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}

//! The parts of URLs as Go reads and writes them.

pub(crate) use govc_engine::documents::{escape as escape_segment, unescape};

/// The parameters of a query, in order, without those that are broken.
pub(crate) fn parameters(query: &str) -> Vec<(String, String)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty() && !pair.contains(';'));
    pairs
        .filter_map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((unescape(key, true)?, unescape(value, true)?))
        })
        .collect()
}

/// A path without empty steps, `.` and `..`; a slash at its end stays.
pub(crate) fn clean(path: &str) -> String {
    let mut steps: Vec<&str> = Vec::new();
    for step in path.split('/') {
        match step {
            "" | "." => {}
            ".." => {
                steps.pop();
            }
            step => steps.push(step),
        }
    }
    let mut out = format!("/{}", steps.join("/"));
    if path.ends_with('/') && out.len() > 1 {
        out.push('/');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_and_cleans() {
        assert_eq!(unescape("a%2Fb+c", false).as_deref(), Some("a/b+c"));
        assert_eq!(unescape("a%2", true), None);
        assert_eq!(clean("//a/./b/../c/"), "/a/c/");
        assert_eq!(clean("/"), "/");
        assert_eq!(
            parameters("a&b=1&b=%32&c=%zz"),
            [
                ("a".to_owned(), String::new()),
                ("b".to_owned(), "1".to_owned()),
                ("b".to_owned(), "2".to_owned())
            ]
        );
    }
}

//! Shell patterns for names, as Go's `filepath.Match` has them: `*`, `?`, `[a-z]`, `[^a]`, `\x`.
//!
//! A malformed pattern matches nothing.

/// Does the pattern match the whole name? A `*` stops at slashes.
pub fn matches(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    // Positions to fall back to: the pattern after the last `*`, and the name from where it may take one more.
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        if pattern.get(p) == Some(&'*') {
            star = Some((p + 1, n));
            p += 1;
            continue;
        }
        match (one(&pattern[p..], name[n]), star) {
            (Some(used), _) => {
                p += used;
                n += 1;
            }
            (None, Some((after, taken))) if name[taken] != '/' => {
                star = Some((after, taken + 1));
                p = after;
                n = taken + 1;
            }
            _ => return false,
        }
    }
    pattern[p..].iter().all(|&c| c == '*')
}

/// Matches one character; the length of the pattern that did it.
fn one(pattern: &[char], c: char) -> Option<usize> {
    match *pattern.first()? {
        '?' => (c != '/').then_some(1),
        '[' => class(pattern, c),
        '\\' => (*pattern.get(1)? == c).then_some(2),
        literal => (literal == c).then_some(1),
    }
}

fn class(pattern: &[char], c: char) -> Option<usize> {
    let end = pattern.iter().skip(2).position(|&p| p == ']')? + 2;
    let (negated, body) = match pattern[1] {
        '^' => (true, &pattern[2..end]),
        _ => (false, &pattern[1..end]),
    };
    let mut found = false;
    let mut i = 0;
    while i < body.len() {
        if body.get(i + 1) == Some(&'-') && i + 2 < body.len() {
            found |= body[i] <= c && c <= body[i + 2];
            i += 3;
        } else {
            found |= body[i] == c;
            i += 1;
        }
    }
    (found != negated).then_some(end + 1)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn matches_as_go_does() {
        for (pattern, name, wanted) in [
            (".*", ".git", true),
            (".*", "a", false),
            ("*_test.rego", "x_test.rego", true),
            ("*_test.rego", "x.rego", false),
            ("a?c", "abc", true),
            ("[a-c]x", "bx", true),
            ("[^a-c]x", "bx", false),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "axxbyyd", false),
            ("", "a", false),
            ("*", "", true),
            ("[", "[", false),
            ("*.json", "sub/data.json", false),
            ("*/*.json", "sub/data.json", true),
        ] {
            assert_eq!(matches(pattern, name), wanted, "{pattern} {name}");
        }
    }
}

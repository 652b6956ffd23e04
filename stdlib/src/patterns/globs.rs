//! Whether two simple expressions have a text in common.
//!
//! The one surprising fact: this notation is neither a glob nor a regular expression: characters,
//! `.`, sets such as `[a-z]`, and `*` and `+` after one of them.

use std::collections::BTreeSet;

/// What a token matches.
#[derive(Clone, Debug)]
enum Matcher {
    Any,
    /// Ranges of characters, both ends included.
    Ranges(Vec<(char, char)>),
}

/// A token: what it matches, whether it may be left out, and whether it may be repeated.
#[derive(Clone, Debug)]
struct Token {
    matcher: Matcher,
    optional: bool,
    repeats: bool,
}

/// Do the languages of two expressions have a text in common?
pub(super) fn intersect(a: &str, b: &str) -> Result<bool, String> {
    let (a, b) = (tokens(a)?, tokens(b)?);
    // The library that OPA uses does not see that `a*` also matches nothing.
    if a.is_empty() != b.is_empty() {
        return Ok(false);
    }
    let mut seen = BTreeSet::new();
    let mut open = vec![(0, 0)];
    while let Some((i, j)) = open.pop() {
        if i == a.len() && j == b.len() {
            return Ok(true);
        }
        if !seen.insert((i, j)) {
            continue;
        }
        let (x, y) = (a.get(i), b.get(j));
        if x.is_some_and(|x| x.optional) {
            open.push((i + 1, j));
        }
        if y.is_some_and(|y| y.optional) {
            open.push((i, j + 1));
        }
        if let (Some(x), Some(y)) = (x, y)
            && meet(&x.matcher, &y.matcher)
        {
            open.extend(after(i, x).into_iter().flat_map(|i| after(j, y).map(move |j| (i, j))));
        }
    }
    Ok(false)
}

/// Where a token leaves the reader once it has taken a character. Only expanded tokens get here.
fn after(at: usize, token: &Token) -> [usize; 2] {
    if token.repeats { [at, at + 1] } else { [at + 1, at + 1] }
}

fn meet(a: &Matcher, b: &Matcher) -> bool {
    match (a, b) {
        (Matcher::Any, Matcher::Any) => true,
        (Matcher::Any, Matcher::Ranges(ranges)) | (Matcher::Ranges(ranges), Matcher::Any) => {
            !ranges.is_empty()
        }
        (Matcher::Ranges(a), Matcher::Ranges(b)) => {
            a.iter().any(|(low, high)| b.iter().any(|(l, h)| low <= h && l <= high))
        }
    }
}

struct Reader {
    input: Vec<char>,
    at: usize,
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut reader = Reader { input: text.chars().collect(), at: 0 };
    let mut tokens = Vec::new();
    while reader.at < reader.input.len() {
        tokens.push(reader.token()?);
    }
    Ok(tokens)
}

impl Reader {
    fn fault<T>(&self, at: usize, what: &str) -> Result<T, String> {
        let input: String = self.input.iter().collect();
        Err(format!("input:{input}, pos:{at}, {what}: the input provided is invalid"))
    }

    /// The next character, and whether it was escaped.
    fn next(&mut self) -> Result<Option<(char, bool)>, String> {
        match (self.input.get(self.at), self.input.get(self.at + 1)) {
            (None, _) => Ok(None),
            (Some('\\'), None) => self.fault(self.at, "input ends with a \\ (escape) character"),
            (Some('\\'), Some(c)) => {
                let c = *c;
                self.at += 2;
                Ok(Some((c, true)))
            }
            (Some(c), _) => {
                let c = *c;
                self.at += 1;
                Ok(Some((c, false)))
            }
        }
    }

    fn token(&mut self) -> Result<Token, String> {
        let matcher = match self.next()? {
            Some(('.', false)) => Matcher::Any,
            Some(('[', false)) => Matcher::Ranges(self.set()?),
            Some((']', false)) => return self.fault(self.at, "set-close ']' with no preceding '['"),
            Some((c @ ('*' | '+'), false)) => {
                return self.fault(self.at, &format!("flag '{c}' must be preceded by a non-flag"));
            }
            Some((c, _)) => Matcher::Ranges(vec![(c, c)]),
            None => Matcher::Ranges(Vec::new()),
        };
        let flag = self.input.get(self.at).copied().filter(|c| matches!(c, '*' | '+'));
        self.at += usize::from(flag.is_some());
        Ok(Token { matcher, optional: flag == Some('*'), repeats: flag.is_some() })
    }

    fn set(&mut self) -> Result<Vec<(char, char)>, String> {
        let mut ranges = Vec::new();
        let mut before = None;
        loop {
            match self.next()? {
                None => return self.fault(self.at, "found [ without matching ]"),
                Some((']', false)) => return Ok(ranges),
                Some(('-', false)) => {
                    let low = match before.take() {
                        Some(low) => low,
                        None => {
                            return self.fault(
                                self.at,
                                "range character '-' must be preceded by a Unicode character",
                            );
                        }
                    };
                    ranges.push((low, self.high(low)?));
                }
                Some((c, _)) => {
                    ranges.push((c, c));
                    before = Some(c);
                }
            }
        }
    }

    fn high(&mut self, low: char) -> Result<char, String> {
        if self.at + 1 >= self.input.len() {
            return self.fault(self.at, "range character '-' must be followed by a Unicode character");
        }
        match self.next()? {
            Some((']' | '-', false)) => {
                self.fault(self.at, "range character '-' cannot be followed by a special symbol")
            }
            Some((high, _)) if high < low => self
                .fault(self.at, &format!("range is out of order: '{high}' comes before '{low}' in Unicode")),
            Some((high, _)) => Ok(high),
            None => self.fault(self.at, "found [ without matching ]"),
        }
    }
}

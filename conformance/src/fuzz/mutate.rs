//! Programs made of others: a word of a known program becomes another word of the same kind.

use super::program::Program;
use super::random::Random;
use crate::cases::{self, Case};
use govc_syntax::lex::lex;
use govc_syntax::{FileId, RegoVersion};
use std::collections::BTreeSet;
use std::path::Path;

/// Programs that can be changed.
pub struct Originals(Vec<Program>);

impl Originals {
    /// OPA's cases, without those that need its test binary or keywords that its release has not.
    pub fn cases(folder: &Path) -> Self {
        let known = cases::load(folder);
        let usable = |case: &&Case| {
            !case.modules().iter().any(|m| m.contains("__local"))
                // Names that compilers make mean something else where an author writes them.
                && !case.flag("experimental_keywords")
                && !case.modules().is_empty()
                && case.text("query").is_some()
                && !UNFIT.iter().any(|u| case.name.contains(u))
        };
        Self(known.iter().filter(usable).map(original).collect())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The mutant of a number.
    pub fn mutant(&self, seed: u64, number: u64) -> Program {
        let mut random = Random::of(seed, number);
        loop {
            let mut program = random.pick(&self.0).clone();
            let at = random.below(program.modules.len());
            let changes = 1 + random.below(2);
            let changed =
                (0..changes).try_fold(program.modules[at].clone(), |text, _| change(&text, &mut random));
            if let Some(text) = changed {
                program.modules[at] = text;
                return program;
            }
        }
    }
}

/// Cases that depend on the clock, on chance, on a network or on OPA's test binary.
const UNFIT: [&str; 11] = [
    "httpsend",
    "netlookup",
    "rand",
    "uuid",
    "test-time-0947",
    "sleep",
    "opa.runtime",
    "time/test-time-now",
    "cryptox509",
    "jwt",
    "aws",
];

fn original(case: &Case) -> Program {
    let subject = crate::front::subject(case);
    Program {
        version: if case.version == "v0" { RegoVersion::V0 } else { RegoVersion::V1 },
        modules: subject.modules,
        data: subject.data.unwrap_or("{}".to_owned()).into(),
        input: subject.input,
        query: subject.query,
        strict: false,
        marks: BTreeSet::new(),
    }
}

/// What can stand where what stood.
fn class(word: &str) -> u8 {
    match word.chars().next() {
        Some('"' | '`') => 1,
        Some(c) if c.is_ascii_digit() => 2,
        Some(c) if c.is_alphabetic() || c == '_' => match word {
            "true" | "false" | "null" => 3,
            "package" | "import" | "if" | "contains" | "some" | "every" | "not" | "with" | "as" | "else"
            | "default" | "in" => 4,
            _ => 5,
        },
        _ => match word {
            "==" | "!=" | "<" | "<=" | ">" | ">=" => 6,
            "+" | "-" | "*" | "/" | "%" | "|" | "&" => 7,
            "=" | ":=" => 8,
            _ => 9,
        },
    }
}

/// More words of a class.
fn others(class: u8) -> &'static [&'static str] {
    match class {
        1 => &["\"\"", "\"a\"", "\"b\"", "\"foo\""],
        2 => &["0", "1", "2", "10", "1.5"],
        3 => &["true", "false", "null"],
        5 => &["_", "x", "input", "data", "count", "p", "q"],
        6 => &["==", "!=", "<", "<=", ">", ">="],
        7 => &["+", "-", "*", "/", "%", "|", "&"],
        8 => &["=", ":=", "=="],
        _ => &[],
    }
}

fn change(text: &str, random: &mut Random) -> Option<String> {
    let tokens = lex(FileId(0), text, false).tokens;
    if tokens.len() < 4 {
        return None;
    }
    let piece = |i: usize| &text[tokens[i].start as usize..tokens[i].end as usize];
    let i = random.below(tokens.len());
    let put = |with: &str| {
        format!("{}{with}{}", &text[..tokens[i].start as usize], &text[tokens[i].end as usize..])
    };
    match random.below(8) {
        0 => {
            let start = text[..tokens[i].start as usize].rfind('\n').map_or(0, |n| n + 1);
            let end = text[start..].find('\n').map_or(text.len(), |n| start + n + 1);
            Some(format!("{}{}", &text[..start], &text[end..]))
        }
        1 => {
            // A line twice.
            let start = text[..tokens[i].start as usize].rfind('\n').map_or(0, |n| n + 1);
            let end = text[start..].find('\n').map_or(text.len(), |n| start + n + 1);
            Some(format!("{}\n{}", &text[..end], &text[start..]))
        }
        n => {
            let wanted = class(piece(i));
            let mut same: Vec<&str> =
                (0..tokens.len()).map(piece).filter(|w| class(w) == wanted && *w != piece(i)).collect();
            if n < 4 {
                same.clear();
            }
            same.extend(others(wanted).iter().filter(|w| **w != piece(i)));
            (!same.is_empty() && wanted != 9 && wanted != 4).then(|| put(same[random.below(same.len())]))
        }
    }
}

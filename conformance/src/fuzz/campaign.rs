//! A run over many programs: ask both sides, compare, count, make small what differs, group it.

use super::coverage::Coverage;
use super::faults::Fault;
use super::opa::Opa;
use super::{Outcome, Program, minimize, ours};
use crate::gaps;
use govc_syntax::FileId;
use govc_syntax::lex::lex;
use std::collections::BTreeMap;

/// A program that the two sides answer otherwise.
#[derive(Clone, Debug)]
pub struct Difference {
    /// Its number in the stream.
    pub number: u64,
    /// As small as it became.
    pub program: Program,
    /// Our answer to it.
    pub ours: Outcome,
    /// OPA's answer to it.
    pub theirs: Outcome,
}

/// What a run found.
pub struct Campaign {
    opa: Opa,
    fault: Option<Fault>,
    /// What it covered.
    pub coverage: Coverage,
    /// Programs that were compared.
    pub compared: usize,
    /// Programs that opa itself did not answer.
    pub unanswered: usize,
    /// Differences by cause: the shape of the small program and both kinds of answer.
    pub causes: BTreeMap<String, Vec<Difference>>,
    /// Differences that are not explained.
    pub differences: usize,
    /// Explained ones, by their place in the list.
    pub explained: BTreeMap<usize, usize>,
}

/// Differences of the same two kinds of answer beyond so many are counted, but not made small.
const MADE_SMALL: usize = 12;

impl Campaign {
    /// An empty one, with a fault of ours or without.
    pub fn new(opa: Opa, fault: Option<Fault>) -> Self {
        Self {
            opa,
            fault,
            coverage: Coverage::default(),
            compared: 0,
            unanswered: 0,
            causes: BTreeMap::new(),
            differences: 0,
            explained: BTreeMap::new(),
        }
    }

    /// Whether the sides agree on a program; nothing is noted.
    pub fn agrees(&mut self, program: &Program) -> bool {
        let theirs = self.opa.outcome(program);
        if matches!(theirs, Outcome::Broken(_)) {
            return true;
        }
        let ours = ours::outcome(program, self.fault);
        ours == theirs || self.explanation(program, &ours, &theirs).is_some()
    }

    /// Runs one program; whether the sides agree.
    pub fn run(&mut self, number: u64, program: &Program) -> bool {
        if !self.coverage.is_new(program) {
            return true;
        }
        let theirs = self.opa.outcome(program);
        if matches!(theirs, Outcome::Broken(_)) {
            self.unanswered += 1;
            return true;
        }
        self.coverage.count(program, &theirs);
        self.compared += 1;
        let ours = ours::outcome(program, self.fault);
        if ours == theirs {
            return true;
        }
        if let Some(known) = self.explanation(program, &ours, &theirs) {
            *self.explained.entry(known).or_default() += 1;
            return true;
        }
        self.differences += 1;
        self.note(number, program, &ours, &theirs);
        false
    }

    /// The place of the line that explains a difference.
    fn explanation(&mut self, program: &Program, ours: &Outcome, theirs: &Outcome) -> Option<usize> {
        let all = gaps::explained();
        let internal = *theirs == Outcome::Failed("eval_internal_error".to_owned());
        if internal || matches!(theirs, Outcome::Refused(_)) {
            let complaint: String = self.opa.complaint.split_whitespace().collect();
            return all
                .iter()
                .position(|e| e.complaint.as_ref().is_some_and(|text| complaint.contains(text)));
        }
        if program.strict && matches!((ours, theirs), (Outcome::Failed(_), Outcome::Failed(_))) {
            let relaxed = Program { strict: false, ..program.clone() };
            let agree = ours::outcome(&relaxed, self.fault) == self.opa.outcome(&relaxed);
            return all.iter().position(|e| e.strict).filter(|_| agree);
        }
        let known = all.iter().position(|e| e.filter)?;
        let moved = program
            .modules
            .iter()
            .any(|text| text.contains("json.filter"))
            .then(|| program.with_store_as_input())??;
        (ours::outcome(&moved, self.fault) == self.opa.outcome(&moved)).then_some(known)
    }

    fn note(&mut self, number: u64, program: &Program, ours: &Outcome, theirs: &Outcome) {
        let kinds = format!("ours {}, theirs {}", ours.kind(), theirs.kind());
        let known = self
            .causes
            .iter()
            .filter(|(cause, _)| cause.starts_with(&kinds))
            .map(|(_, of)| of.len())
            .sum::<usize>();
        if known >= MADE_SMALL {
            return;
        }
        let small = self.small(program, &ours.kind(), &theirs.kind());
        let difference = Difference {
            number,
            ours: ours::outcome(&small, self.fault),
            theirs: self.opa.outcome(&small),
            program: small,
        };
        let cause = format!("{kinds}: {}", shape(&difference.program));
        self.causes.entry(cause).or_default().push(difference);
    }

    fn small(&mut self, program: &Program, ours: &str, theirs: &str) -> Program {
        let (opa, fault) = (&mut self.opa, self.fault);
        minimize::minimize(program, &mut |changed| {
            let (mine, other) = (ours::outcome(changed, fault), opa.outcome(changed));
            mine != other && mine.kind() == ours && other.kind() == theirs
        })
    }
}

/// The program without its names and values.
fn shape(program: &Program) -> String {
    let mut shape = String::new();
    for text in &program.modules {
        for token in lex(FileId(0), text, false).tokens {
            let word = &text[token.start as usize..token.end as usize];
            let numbered =
                word.ends_with(|c: char| c.is_ascii_digit()) && word.starts_with(char::is_alphabetic);
            let short = match word.chars().next() {
                _ if numbered => "x",
                Some(c) if c.is_ascii_digit() => "0",
                Some('"') => "\"\"",
                Some('`') => "``",
                _ => word.trim(),
            };
            if !short.is_empty() {
                shape.push_str(short);
                shape.push(' ');
            }
        }
    }
    shape
}

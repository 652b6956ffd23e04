//! Which rules a decision rests on, and which would have had to fire for another.
//!
//! The surprising fact: the program that decides does not know. A second one, compiled from the same sources and slower, marks
//! what it evaluates; it decides once more with the recorded answers, and where that gives another result nothing is told.

use crate::bundle::{Bundle, Document};
use crate::decision::DecideError;
use crate::machine;
use crate::{BundleSpec, LoadError};
use govc_vm::Image;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Path of the program that tells, inside a bundle.
const PROGRAM: &str = "explain.govc";
/// Path of the list of its rules.
const RULES: &str = "explain.json";

/// A rule of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToldRule {
    /// Its path under `data`, such as `access.allow`.
    pub rule: String,
    /// File and row of its head.
    pub at: String,
}

/// The rules that a decision could rest on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Rules {
    /// Those that fired.
    pub fired: Vec<ToldRule>,
    /// Those that did not, and would have had to for another result.
    pub not_fired: Vec<ToldRule>,
}

/// What the marks of a program mean.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Marks {
    /// The rules, in the order in which they are told.
    pub rules: Vec<ToldRule>,
    /// The number of the rule that a mark is of, by the number of the mark.
    pub heads: BTreeMap<u32, usize>,
    /// The numbers of the rules that each entrypoint can ask.
    pub entrypoints: BTreeMap<String, BTreeSet<usize>>,
}

/// A program that tells of its evaluation.
#[derive(Clone, PartialEq, Eq)]
pub struct Telling {
    /// The program, as the bytecode's encoder writes it.
    pub program: Vec<u8>,
    /// What its marks mean.
    pub marks: Marks,
}

impl Telling {
    /// Puts it into a bundle that is to be built.
    pub fn enclose(self, spec: &mut BundleSpec) {
        // Names and numbers can always be written.
        let marks = serde_json::to_vec(&self.marks).unwrap_or_default();
        spec.extra.extend([(PROGRAM.to_owned(), self.program), (RULES.to_owned(), marks)]);
    }

    /// That of a bundle, if it has one.
    pub(crate) fn of(bundle: &Bundle) -> Result<Option<Self>, LoadError> {
        let (Some(program), Some(marks)) = (bundle.file(PROGRAM), bundle.file(RULES)) else {
            return Ok(None);
        };
        let marks = serde_json::from_slice(marks)
            .map_err(|error| LoadError::Data { path: RULES.to_owned(), message: error.to_string() })?;
        Ok(Some(Self { program: program.to_vec(), marks }))
    }
}

impl fmt::Debug for Telling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Telling").field("rules", &self.marks.rules.len()).finish_non_exhaustive()
    }
}

/// Such a program, ready to run.
pub(crate) struct Teller {
    pub(crate) image: Image,
    marks: Marks,
}

impl Teller {
    pub(crate) fn new(telling: Telling, data: &[Document]) -> Result<Self, LoadError> {
        Ok(Self { image: machine::load(&telling.program, data)?, marks: telling.marks })
    }

    /// Over other documents.
    pub(crate) fn over(&self, data: &[Document]) -> Result<Self, LoadError> {
        Ok(Self { image: machine::reload(&self.image, data)?, marks: self.marks.clone() })
    }

    /// The rules of an entrypoint, by what was marked.
    pub(crate) fn rules(&self, entrypoint: &str, marked: &BTreeSet<u32>) -> Result<Rules, DecideError> {
        let known = self.marks.entrypoints.get(entrypoint).ok_or(DecideError::Untold)?;
        let seen: BTreeSet<usize> =
            marked.iter().filter_map(|mark| self.marks.heads.get(mark).copied()).collect();
        let mut rules = Rules::default();
        for (number, rule) in self.marks.rules.iter().enumerate().filter(|(number, _)| known.contains(number))
        {
            match seen.contains(&number) {
                true => rules.fired.push(rule.clone()),
                false => rules.not_fired.push(rule.clone()),
            }
        }
        Ok(rules)
    }
}

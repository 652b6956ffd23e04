//! The list of what we answer otherwise than OPA's suites want: `conformance/gaps.toml`.
//!
//! The list is held to be true: a case that is listed and passes is as much a failure as one that fails and is
//! not listed.

use crate::cases::Case;
use serde::Deserialize;
use std::path::Path;
use std::sync::LazyLock;

/// A case that we do not answer as its suite wants.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gap {
    /// The suite: `cases`, `plans`, `wasm`, `compile`, `rest` or `command_lines`.
    pub suite: String,
    /// A part of the case's name that no other case of the suite has.
    pub case: String,
    /// Why.
    pub cause: String,
    /// What opa 1.20.2 answers, where that is not what the suite wants: a JSON list of solutions, or the text of an
    /// error. We must answer the same.
    pub opa: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    gap: Vec<Gap>,
    #[serde(default)]
    explained: Vec<Explained>,
}

/// A difference that random programs show and that is as it should be.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Explained {
    /// The smallest program that shows it.
    pub program: String,
    /// Our answer.
    pub ours: String,
    /// OPA's answer.
    pub opa: String,
    /// Why, with opa's issue or document.
    pub cause: String,
    /// What opa's complaint says, there and nowhere else; absent where no random program shows it.
    pub complaint: Option<String>,
    /// Both answers are errors, in a program that ends with the first error of a builtin; without that they are equal.
    #[serde(default)]
    pub strict: bool,
    /// It comes with `json.filter`, and goes away where the documents of the store are given as the input.
    #[serde(default)]
    pub filter: bool,
}

/// All explained differences.
pub fn explained() -> &'static [Explained] {
    &GAPS.explained
}

static GAPS: LazyLock<File> = LazyLock::new(|| {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("gaps.toml");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    toml::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
});

/// What became of a suite.
#[derive(Debug, Default)]
pub struct Judged {
    /// Cases that are answered as the suite wants, or as opa does where the suite is outdated.
    pub passed: usize,
    /// Cases that want something that is not there yet, with its name.
    pub missing: Vec<String>,
    /// Cases that fail and are not listed, and entries of the list that are not true.
    pub untrue: Vec<String>,
}

/// Runs the cases of a suite and holds them against the list. `run` is given what opa answers where the list says
/// that it is not what the suite wants. `whole` tells that the cases are all of the suite.
pub fn judge(
    suite: &str,
    cases: &[Case],
    whole: bool,
    mut run: impl FnMut(&Case, Option<&str>) -> Result<(), String>,
) -> Judged {
    let gaps: Vec<_> = GAPS.gap.iter().filter(|gap| gap.suite == suite).collect();
    let mut met = vec![0; gaps.len()];
    let mut judged = Judged::default();
    for case in cases {
        let name = case.full_name();
        let gap = gaps.iter().position(|gap| name.contains(&gap.case));
        let found = run(case, None);
        let Some(at) = gap else {
            match found {
                Ok(()) => judged.passed += 1,
                Err(how) if how.contains("govc_not_yet") => judged.missing.push(format!("{name}: {how}")),
                Err(how) => judged.untrue.push(format!("{name}: {how}")),
            }
            continue;
        };
        met[at] += 1;
        if found.is_ok() {
            judged.untrue.push(format!("{name}: is listed, but passes"));
        }
        match gaps[at].opa.as_deref().map(|opa| run(case, Some(opa))) {
            None => {}
            Some(Ok(())) => judged.passed += 1,
            Some(Err(how)) => judged.untrue.push(format!("{name}: not as opa: {how}")),
        }
    }
    let wrong = |count: usize| count > 1 || whole && count == 0;
    let strays = gaps.iter().zip(&met).filter(|(_, count)| wrong(**count));
    judged.untrue.extend(strays.map(|(gap, count)| format!("`{}` names {count} cases", gap.case)));
    judged
}

/// As [`judge`], for results that have been found already, each with its name.
pub fn judge_named(suite: &str, found: &[(String, Result<(), String>)], whole: bool) -> Judged {
    let gaps: Vec<_> = GAPS.gap.iter().filter(|gap| gap.suite == suite).collect();
    let mut met = vec![0; gaps.len()];
    let mut judged = Judged::default();
    for (name, result) in found {
        let gap = gaps.iter().position(|gap| name.contains(&gap.case));
        if let Some(at) = gap {
            met[at] += 1;
        }
        match (gap, result) {
            (None, Ok(())) => judged.passed += 1,
            (None, Err(how)) => judged.untrue.push(format!("{name}: {how}")),
            (Some(_), Ok(())) => judged.untrue.push(format!("{name}: is listed, but passes")),
            (Some(_), Err(_)) => {}
        }
    }
    let wrong = |count: usize| count > 1 || whole && count == 0;
    let strays = gaps.iter().zip(&met).filter(|(_, count)| wrong(**count));
    judged.untrue.extend(strays.map(|(gap, count)| format!("`{}` names {count} cases", gap.case)));
    judged
}

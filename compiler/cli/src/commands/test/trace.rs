//! How tests were evaluated, step by step, as `opa test --explain` tells it.
//!
//! Tests run on the virtual machine, which does not tell its steps; those to be told of are evaluated once more.

use super::plan::Case;
use super::report::{Outcome, Trace};
use crate::files::Loaded;
use crate::problem::Problem;
use crate::run::{self, stepwise};
use crate::world::Terminal;
use clap::ValueEnum;
use govc_compile::{CheckOptions, Checked, QueryOptions, rewritten};
use govc_syntax::ParseOptions;
use govc_topdown::{Explain, Request, Watch};
use govc_value::{Arena, Heap, SymbolTable};

/// Which steps are told.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Failures
    Fails,
    /// All but unifications
    Full,
    /// What `trace` notes
    Notes,
    /// All
    Debug,
}

impl Mode {
    fn explain(mode: Option<Self>) -> Explain {
        match mode {
            Some(Self::Fails) => Explain::Fails,
            Some(Self::Full) => Explain::Full,
            Some(Self::Notes) => Explain::Notes,
            Some(Self::Debug) => Explain::Debug,
            None => Explain::NotesAndFails,
        }
    }
}

/// Adds to tests the steps of a mode; without a mode, what `opa test --verbose` tells. Where nobody asks for all tests,
/// those are told of that failed.
pub(super) fn add(
    loaded: &Loaded,
    cases: &[Case],
    outcomes: &mut [Outcome],
    (mode, values, all): (Option<Mode>, bool, bool),
) {
    let told = |outcome: &Outcome| outcome.fail || (all && !outcome.skip);
    if !outcomes.iter().any(told) {
        return;
    }
    let watch = Watch { explain: Some(Mode::explain(mode)), values, indent: 2, ..Watch::default() };
    let rules = run::Rules { cases: true, ..run::Rules::default() };
    let tests = cases.iter().zip(outcomes).filter(|(_, outcome)| told(outcome));
    // The rules have been checked before, so nothing is found now.
    let _ = run::check(loaded, rules, |checked, check| {
        tests.for_each(|(case, outcome)| {
            outcome.trace = trace(loaded, (&checked, check), case, watch).ok();
        });
        Ok(())
    });
}

fn trace(
    loaded: &Loaded,
    (checked, check): (&Checked, &CheckOptions<'_>),
    case: &Case,
    watch: Watch,
) -> Result<Trace, Vec<Problem>> {
    let mut sources = loaded.sources.clone();
    let text = case.full_name();
    let file = sources.add("", &text);
    let body = govc_syntax::parse_query(file, &text, &ParseOptions::default()).tree;
    let query = rewritten::rewrite_query(checked, &body, check, &QueryOptions::default(), true)
        .map_err(|found| run::problems(&found, &sources))?;
    let arena = Arena::new(stepwise::MEMORY);
    let heap = Heap::new(&arena, SymbolTable::empty());
    let request = Request {
        checked,
        options: check,
        query: &query,
        data: stepwise::document(heap, &loaded.documents.to_json())?,
        input: None,
        world: &mut Terminal::keeping_prints(),
        fuel: stepwise::FUEL,
        time: None,
        memory: stepwise::MEMORY,
    };
    let outcome = govc_topdown::eval_watched(request, watch, &sources);
    Ok(Trace { text: outcome.trace, events: outcome.explanation })
}

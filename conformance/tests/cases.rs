//! OPA's evaluation cases, in one process: parse, check, plan, optimize, emit, run.
//!
//! Every case runs without and with optimization, and both must give the same. A panic is a failure of its
//! case only. The counts by cause are printed. `GOVC_CASES=TEXT` runs the cases whose name holds the text;
//! `GOVC_CASES_DIR=DIR` reads cases of the same form from elsewhere.

use govc_compile::opt::Level;
use govc_conformance::cases::{self, Case};
use govc_conformance::front::{self, Answer};
use govc_conformance::{gaps, shared, skip};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// These need OPA's test binary: a builtin of the tests, an environment, a store without conflict check.
const HARNESS_ONLY: [&str; 3] =
    ["test-time-0947.yaml#0", "test-with-builtin-mock.yaml#24", "test-baseandvirtualdocs-0704.yaml#0"];

/// What became of a case.
#[derive(Debug, PartialEq)]
enum Outcome {
    Pass,
    /// Where it went wrong, and how.
    Fail(&'static str, String),
}

#[test]
fn opa_cases() {
    let own = std::env::var_os("GOVC_CASES_DIR").map(std::path::PathBuf::from);
    let Some(folder) = own.or_else(|| shared("opa/cases")) else { skip!("no opa/cases") };
    let filter = std::env::var("GOVC_CASES").unwrap_or_default();
    let cases: Vec<Case> = cases::load(&folder)
        .into_iter()
        .filter(|c| !HARNESS_ONLY.iter().any(|h| c.name.contains(h)))
        .filter(|c| c.full_name().contains(&filter))
        .collect();
    std::panic::set_hook(Box::new(|_| {}));
    let plain = outcomes(Level::None, &cases);
    let optimized = outcomes(Level::Full, &cases);
    drop(std::panic::take_hook());
    report("without optimization", &plain);
    report("optimized", &optimized);
    let differ = cases.iter().zip(plain.iter().zip(&optimized)).filter(|(_, (a, b))| a != b);
    let differ: Vec<String> =
        differ.map(|(c, (a, b))| format!("{} {}: {a:?} {b:?}", c.version, c.name)).collect();
    assert!(differ.is_empty(), "optimization changes answers: {differ:#?}");
    let mut found = optimized.iter();
    let judged = gaps::judge("cases", &cases, filter.is_empty(), |_, _| match found.next() {
        Some(Outcome::Fail(cause, how)) => Err(format!("{cause}: {how}")),
        _ => Ok(()),
    });
    println!("{} of {} cases pass, {} lack something", judged.passed, cases.len(), judged.missing.len());
    assert!(judged.untrue.is_empty(), "{:#?}", judged.untrue);
}

fn outcomes(level: Level, cases: &[Case]) -> Vec<Outcome> {
    let one = |case: &Case| {
        let outcome = catch_unwind(AssertUnwindSafe(|| outcome(case, level)));
        outcome.unwrap_or_else(|panic| Outcome::Fail("panic", panic_text(&*panic)))
    };
    cases.iter().map(one).collect()
}

fn report(how: &str, outcomes: &[Outcome]) {
    let mut causes: BTreeMap<&'static str, usize> = BTreeMap::new();
    for outcome in outcomes {
        if let Outcome::Fail(cause, _) = outcome {
            *causes.entry(cause).or_default() += 1;
        }
    }
    let passed = outcomes.iter().filter(|o| **o == Outcome::Pass).count();
    println!("{how}: {passed} of {} cases pass; failures by cause: {causes:?}", outcomes.len());
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("?").to_owned()
}

fn outcome(case: &Case, level: Level) -> Outcome {
    let answer = front::answer(case, level);
    let (code, text) = (case.text("want_error_code"), case.text("want_error"));
    match (answer, code.is_some() || text.is_some()) {
        (Answer::Solutions(got), false) => {
            let compared = case.json("want_result").map_or(Ok(()), |want| front::compare(case, want, &got));
            compared.map_or_else(|how| Outcome::Fail("wrong result", how), |()| Outcome::Pass)
        }
        (Answer::Solutions(got), true) => {
            Outcome::Fail("no error", format!("wanted {code:?} {text:?}, got {}", got.join(" ")))
        }
        (Answer::Errors(stage, errors), false) => Outcome::Fail(stage, format!("{errors:?}")),
        (Answer::Errors(_, errors), true) => {
            let has_code = code.as_ref().is_none_or(|code| errors.iter().any(|(got, _)| got == code));
            let text = text.as_deref().map(without_place);
            let has_text = text.is_none_or(|text| errors.iter().any(|(_, got)| got.contains(text)));
            match has_code && has_text {
                true => Outcome::Pass,
                false => Outcome::Fail("other error", format!("got {errors:?}, wanted {code:?} {text:?}")),
            }
        }
    }
}

/// The text of a wanted error without file, row and code, which stand elsewhere in our errors.
fn without_place(text: &str) -> &str {
    let place = |text: &str| text.strip_prefix("test-").and_then(|rest| rest.find(": ")).map(|at| at + 7);
    let text = text.get(place(text).unwrap_or(0)..).unwrap_or(text);
    let coded = ["eval_", "rego_"].iter().any(|prefix| text.starts_with(prefix));
    match text.split_once("_error: ") {
        Some((code, rest)) if coded && !code.contains(' ') => rest,
        _ => text,
    }
}

//! A sample of what the command `residual` does with all of OPA's cases: cases whose rules mention the input,
//! evaluated partially, and what is left evaluated under `opa` and under us.

use govc_conformance::cases;
use govc_conformance::optimized::How;
use govc_conformance::residual::{Verdict, judge};
use govc_conformance::{opa, optimized, shared, skip};

/// Every so many cases one is judged.
const STEP: usize = 13;

#[test]
fn residuals_answer_as_queries_do() {
    let (Some(folder), Some(opa)) = (shared("opa/cases"), opa()) else { skip!("no opa/cases, or no opa") };
    let scratch = tempfile::tempdir().expect("a folder can be made");
    let about_input = |c: &cases::Case| c.modules().iter().any(|m| m.contains("input"));
    let cases: Vec<_> = cases::load(&folder).into_iter().filter(about_input).step_by(STEP).collect();
    let (mut passed, mut depend, mut failed) = (0, 0, Vec::new());
    for case in &cases {
        match judge(&opa, &scratch.path().join("case"), case) {
            Verdict::Pass(measure) => {
                passed += 1;
                depend += usize::from(measure.depends);
            }
            Verdict::Skipped(_) => {}
            Verdict::Fail(why) => failed.push(format!("{}: {why}", case.full_name())),
        }
    }
    println!("{passed} residuals answer as their queries do, {depend} of them depend on the input");
    assert!(failed.is_empty(), "{failed:#?}");
    assert!(depend > 5, "the sample tells something");
}

/// Of the cases that ask for one rule, every so many one is built.
const BUILDS: usize = 97;

#[test]
fn optimized_builds_answer_as_plain_ones_do() {
    let (Some(folder), Some(opa)) = (shared("opa/cases"), opa()) else { skip!("no opa/cases, or no opa") };
    let scratch = tempfile::tempdir().expect("a folder can be made");
    let asked = |c: &cases::Case| optimized::entrypoint(c).is_some();
    let cases: Vec<_> = cases::load(&folder).into_iter().filter(asked).step_by(BUILDS).collect();
    let (mut passed, mut failed) = (0, Vec::new());
    let ways = [(1, false), (2, false), (1, true), (2, true)].map(|(level, all)| How { level, all });
    for (case, how) in cases.iter().flat_map(|c| ways.map(|how| (c, how))) {
        match optimized::judge(&opa, &scratch.path().join("case"), case, how) {
            Verdict::Pass(_) => passed += 1,
            Verdict::Skipped(_) => {}
            Verdict::Fail(why) => failed.push(format!("{} {how:?}: {why}", case.full_name())),
        }
    }
    println!("{passed} optimized builds answer as plain ones do, without a rule that opa's drop");
    assert!(failed.is_empty(), "{failed:#?}");
    assert!(passed > 50, "the sample tells something");
}

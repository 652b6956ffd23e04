//! OPA's evaluation cases on the top-down evaluator. `GOVC_CASES=TEXT` runs the cases whose name holds the text.

use govc_conformance::cases::{self, Case};
use govc_conformance::front::{self, Answer};
use govc_conformance::{shared, skip, topdown};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// These need OPA's test binary: a builtin of the tests, an environment, a store without conflict check.
const HARNESS_ONLY: [&str; 3] =
    ["test-time-0947.yaml#0", "test-with-builtin-mock.yaml#24", "test-baseandvirtualdocs-0704.yaml#0"];

#[test]
fn opa_cases_top_down() {
    let Some(folder) = shared("opa/cases") else { skip!("no opa/cases") };
    let filter = std::env::var("GOVC_CASES").unwrap_or_default();
    let cases: Vec<Case> = cases::load(&folder)
        .into_iter()
        .filter(|c| !HARNESS_ONLY.iter().any(|h| c.name.contains(h)))
        .filter(|c| c.full_name().contains(&filter))
        .collect();
    std::panic::set_hook(Box::new(|_| {}));
    let mut failed = Vec::new();
    for case in &cases {
        let found =
            catch_unwind(AssertUnwindSafe(|| judge(case))).unwrap_or_else(|_| Err("panic".to_owned()));
        failed.extend(found.err().map(|how| format!("{}: {how}", case.full_name())));
    }
    drop(std::panic::take_hook());
    println!("{} of {} cases pass on the top-down evaluator", cases.len() - failed.len(), cases.len());
    assert!(failed.is_empty(), "{failed:#?}");
}

fn judge(case: &Case) -> Result<(), String> {
    let (code, text) = (case.text("want_error_code"), case.text("want_error"));
    match (topdown::answer(case), code.is_some() || text.is_some()) {
        (Answer::Solutions(got), false) => {
            case.json("want_result").map_or(Ok(()), |want| front::compare(case, want, &got))
        }
        (Answer::Solutions(got), true) => Err(format!("wanted {code:?} {text:?}, got {}", got.join(" "))),
        (Answer::Errors(stage, errors), false) => Err(format!("{stage}: {errors:?}")),
        (Answer::Errors(_, errors), true) => {
            let has_code = code.as_ref().is_none_or(|code| errors.iter().any(|(got, _)| got == code));
            if has_code { Ok(()) } else { Err(format!("got {errors:?}, wanted {code:?} {text:?}")) }
        }
    }
}

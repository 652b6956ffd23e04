//! OPA's cases with OPA's own plans, on emitter, VM and machine code.

use govc_conformance::plan_cases::{Verdict, expects_error, run};
use govc_conformance::{cases, gaps, shared, skip};

#[test]
fn opa_plans_give_opa_results() {
    let Some(folder) = shared("opa/cases-ir") else { skip!("the reference data is not there") };
    let all = cases::load(&folder);
    let judged = gaps::judge("plans", &all, true, |case, opa| match run(case, opa) {
        Verdict::Pass => Ok(()),
        Verdict::Missing(what) => Err(format!("govc_not_yet: {what}")),
        Verdict::Fail(cause, details) => Err(format!("{cause}: {details}")),
    });
    let errors = all.iter().filter(|case| expects_error(case)).count();
    println!("plans: {} of {} pass, {errors} of them errors", judged.passed, all.len());
    assert!(judged.untrue.is_empty(), "{:#?}", judged.untrue);
    assert!(judged.missing.is_empty(), "{:#?}", judged.missing);
    assert_eq!((all.len(), errors), (2075, 239));
}

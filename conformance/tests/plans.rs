//! OPA's cases with OPA's own plans, on emitter and VM.

use govc_conformance::{cases, plan_cases, shared, skip};

#[test]
fn opa_plans_give_opa_results() {
    let Some(folder) = shared("opa/cases-ir") else { skip!("the reference data is not there") };
    let tally = plan_cases::run_all(&cases::load(&folder));
    println!("{} of {} pass, {} lack a builtin", tally.passed, tally.total(), tally.missing_count());
    assert!(tally.failed.is_empty(), "{:#?}", tally.failed);
    assert_eq!(tally.total(), 2075);
    assert!(tally.passed >= 1_600, "{:#?}", tally.missing.keys());
}

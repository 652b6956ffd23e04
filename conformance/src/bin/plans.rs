//! Runs OPA's cases with OPA's own plans on our VM and prints the counts by cause.
//! `plans [WORD]`: only cases whose names contain the word, with details.

use govc_conformance::{cases, plan_cases, shared};

fn main() {
    let Some(folder) = shared("opa/cases-ir") else {
        println!("skipped: the reference data is not there");
        return;
    };
    let word = std::env::args().nth(1).unwrap_or_default();
    let mut all = cases::load(&folder);
    all.retain(|c| c.name.contains(&word));
    let tally = plan_cases::run_all(&all);
    for (cause, names) in &tally.missing {
        println!("missing {:4}  {cause}", names.len());
    }
    for (cause, failures) in &tally.failed {
        println!("failed  {:4}  {cause}", failures.len());
        let shown = if word.is_empty() { 12 } else { usize::MAX };
        for (name, details) in failures.iter().take(shown) {
            let details: String = details.chars().take(400).collect();
            println!("    {name}\n        {details}");
        }
    }
    println!(
        "{} of {} cases pass ({} with errors), {} lack a builtin, {} fail",
        tally.passed,
        tally.total(),
        tally.passed_errors,
        tally.missing_count(),
        tally.failed_count()
    );
}

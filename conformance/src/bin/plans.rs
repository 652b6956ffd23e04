//! Runs OPA's cases with OPA's own plans on our VM and as machine code, and prints the counts by cause.
//! `plans [WORD]`: only cases whose names contain the word, with details.

use govc_conformance::plan_cases::{Verdict, run};
use govc_conformance::{cases, shared};
use std::collections::BTreeMap;

fn main() {
    let Some(folder) = shared("opa/cases-ir") else {
        println!("skipped: the reference data is not there");
        return;
    };
    let word = std::env::args().nth(1).unwrap_or_default();
    let (mut passed, mut total) = (0, 0);
    let mut failed: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for case in cases::load(&folder).into_iter().filter(|case| case.name.contains(&word)) {
        total += 1;
        let (cause, details) = match run(&case, None) {
            Verdict::Pass => {
                passed += 1;
                continue;
            }
            Verdict::Missing(what) => (format!("missing: {what}"), String::new()),
            Verdict::Fail(cause, details) => (cause, details),
        };
        failed.entry(cause).or_default().push((case.name, details));
    }
    for (cause, failures) in &failed {
        println!("{:4}  {cause}", failures.len());
        for (name, details) in failures.iter().take(if word.is_empty() { 12 } else { usize::MAX }) {
            println!("    {name}\n        {}", details.chars().take(400).collect::<String>());
        }
    }
    println!("{passed} of {total} cases pass");
}

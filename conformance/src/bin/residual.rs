//! Evaluates OPA's cases partially (unknown: the input) and proves what is left by evaluating it under `opa` and
//! under us. `residual [WORD]`: only cases whose names contain the word, with details. `residual -O LEVEL
//! [WORD]` proves optimized builds of the cases that ask for one rule, `residual -O LEVEL --all [WORD]` those in which
//! every rule can be asked for.

use govc_conformance::cases::{self, Case};
use govc_conformance::optimized::How;
use govc_conformance::residual::{Measure, Verdict, judge};
use govc_conformance::{opa, optimized, shared};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

fn main() {
    let (Some(folder), Some(opa)) = (shared("opa/cases"), opa()) else {
        println!("skipped: the reference data or `opa` is not there");
        return;
    };
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let level: u32 = match args.first().map(String::as_str) {
        Some("-O") => args.drain(..2.min(args.len())).nth(1).and_then(|l| l.parse().ok()).unwrap_or(1),
        _ => 0,
    };
    let all = args.first().is_some_and(|arg| arg == "--all");
    let word = args.pop().filter(|word| word != "--all").unwrap_or_default();
    let cases: Vec<Case> =
        cases::load(&folder).into_iter().filter(|c| c.full_name().contains(&word)).collect();
    let scratch = std::env::temp_dir().join(format!("govc-residual-{}", std::process::id()));
    let threads = std::thread::available_parallelism().map_or(2, |n| n.get());
    let verdicts: Vec<(String, Verdict)> = std::thread::scope(|scope| {
        let handles: Vec<_> = (0..threads)
            .map(|t| {
                let (cases, opa, folder) = (&cases, &opa, scratch.join(t.to_string()));
                scope.spawn(move || {
                    let own = cases.iter().skip(t).step_by(threads);
                    own.map(|case| {
                        let verdict = catch_unwind(AssertUnwindSafe(|| match level {
                            0 => judge(opa, &folder, case),
                            level => optimized::judge(opa, &folder, case, How { level, all }),
                        }));
                        (case.full_name(), verdict.unwrap_or_else(|_| Verdict::Fail("panic".to_owned())))
                    })
                    .collect::<Vec<_>>()
                })
            })
            .collect();
        handles.into_iter().flat_map(|h| h.join().unwrap_or_default()).collect()
    });
    let _ = std::fs::remove_dir_all(&scratch);
    report(&verdicts, !word.is_empty());
}

fn report(verdicts: &[(String, Verdict)], details: bool) {
    let mut skipped: BTreeMap<String, usize> = BTreeMap::new();
    let mut passed: Vec<&Measure> = Vec::new();
    let mut failed = 0;
    for (name, verdict) in verdicts {
        match verdict {
            Verdict::Pass(measure) => passed.push(measure),
            Verdict::Skipped(why) => {
                *skipped.entry(why.chars().take(60).collect()).or_default() += 1;
            }
            Verdict::Fail(why) => {
                failed += 1;
                let most = if details { usize::MAX } else { 300 };
                println!(
                    "{name}\n    {}",
                    why.chars().take(most).collect::<String>().replace('\n', "\n    ")
                );
            }
        }
    }
    for (why, count) in &skipped {
        println!("skipped {count:5}  {why}");
    }
    let sum = |f: fn(&Measure) -> usize| passed.iter().map(|m| f(m)).sum::<usize>();
    println!(
        "{} of {} cases: same answers under opa and us; {} depend on the input; statements: ours {}, opa's {}; \
         {} refer to rules that opa's residual refers to as well",
        passed.len(),
        passed.len() + failed,
        sum(|m| usize::from(m.depends)),
        sum(|m| m.ours),
        sum(|m| m.opas),
        sum(|m| usize::from(m.foreign)),
    );
}

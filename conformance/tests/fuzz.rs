//! Random programs against the real `opa`: a short run of the command `fuzz`, the same with faults planted on our
//! side, and what longer runs have found.
//!
//! Each file of `tests/found` is a module and, in comments at its end, an input (or what else `Program::written` reads)
//! and what opa 1.20.2 answers;
//! `GOVC_FOUND=update` asks `opa` again and writes the answers down.

use govc_conformance::fuzz::campaign::Campaign;
use govc_conformance::fuzz::faults::Fault;
use govc_conformance::fuzz::opa::Opa;
use govc_conformance::fuzz::program::written;
use govc_conformance::fuzz::{Program, grammar, ours};
use govc_conformance::{cases, opa, repository, skip};

const SEED: u64 = 20;

/// On the stack that the command has.
fn with_stack(test: impl FnOnce() + Send + 'static) {
    let worker = std::thread::Builder::new().stack_size(1 << 28).spawn(test).expect("a thread");
    if let Err(panic) = worker.join() {
        std::panic::resume_unwind(panic);
    }
}

#[test]
fn random_programs_are_answered_as_by_opa() {
    let Some(opa) = opa() else { skip!("no opa on the path") };
    with_stack(move || {
        let mut campaign = Campaign::new(Opa::new(&opa), None);
        let mut documents = None;
        for number in 0..600 {
            campaign.run(number, &grammar::program(SEED, number, &mut documents));
        }
        let shown: Vec<String> = campaign
            .causes
            .values()
            .flatten()
            .map(|d| {
                format!("program {}\n{}ours   {}\ntheirs {}", d.number, d.program.text(), d.ours, d.theirs)
            })
            .collect();
        assert!(campaign.differences == 0, "{}", shown.join("\n\n"));
        println!("{} programs, {} defined", campaign.compared, campaign.coverage.defined);
        assert!(campaign.coverage.defined * 2 > campaign.compared, "most programs have a value");
    });
}

#[test]
fn planted_faults_are_found() {
    let Some(opa) = opa() else { skip!("no opa on the path") };
    with_stack(move || {
        for fault in Fault::ALL {
            let mut campaign = Campaign::new(Opa::new(&opa), Some(fault));
            let mut documents = None;
            let found = (0..500).find(|n| !campaign.agrees(&grammar::program(SEED, *n, &mut documents)));
            println!("{fault:?}: {found:?}");
            assert!(found.is_some(), "{fault:?} is not found");
        }
    });
}

/// A file of `tests/found`: the program, the text before the answer, the answer.
fn read(text: &str) -> (Program, String, String) {
    let before: Vec<&str> = text.lines().filter(|l| !l.starts_with("# opa: ")).collect();
    (Program::written(text), before.join("\n"), written(text, "opa").unwrap_or_default())
}

#[test]
fn what_was_found_stays_fixed() {
    let update = std::env::var("GOVC_FOUND").is_ok_and(|v| v == "update");
    let files = cases::files(&repository().join("conformance/tests/found"), &["rego"]);
    assert!(!files.is_empty());
    with_stack(move || {
        let mut server = update.then(|| Opa::new(&opa().expect("opa is on the path")));
        let mut wrong = Vec::new();
        for file in files {
            let text = std::fs::read_to_string(&file).expect("a case is text");
            let (program, before, mut wanted) = read(&text);
            if let Some(server) = &mut server {
                wanted = server.outcome(&program).to_string();
                std::fs::write(&file, format!("{before}\n# opa: {wanted}\n")).expect("written");
            }
            let got = ours::outcome(&program, None).to_string();
            if got != wanted {
                wrong.push(format!("{}:\n  ours {got}\n  opa  {wanted}", file.display()));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    });
}

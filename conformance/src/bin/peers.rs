//! Times our VM against regorus on the benchmark workloads and prints medians and ratios.
//! `peers [WORKLOAD] [ROUNDS] [--bytecode] [--ours]`; a workload may be `all`. `--bytecode` prints our program,
//! `--ours` runs nothing else, for a profiler.

use govc_conformance::{peers, shared};
use std::process::ExitCode;
use std::time::Duration;

fn main() -> ExitCode {
    let Some(folder) = shared("workloads") else {
        println!("skipped: the workloads are not there");
        return ExitCode::SUCCESS;
    };
    match run(&folder) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(folder: &std::path::Path) -> Result<(), String> {
    let wanted = std::env::args().nth(1).unwrap_or("all".to_owned());
    let rounds = std::env::args().nth(2).and_then(|n| n.parse().ok()).unwrap_or(61);
    println!(
        "{:4} {:>14} {:>14} {:>8} {:>20} {:>8}",
        "", "govc VM", "regorus RVM", "ratio", "interpreter", "ratio"
    );
    for w in peers::workloads(folder)?.iter().filter(|w| wanted == "all" || w.name == wanted) {
        if std::env::args().any(|a| a == "--bytecode") {
            println!("{}", govc_bytecode::text::print(&peers::compile(w)?));
        }
        if std::env::args().any(|a| a == "--ours") {
            let ours = peers::measure(&mut [Box::new(peers::Ours::new(w)?)], rounds);
            println!("{:4} {:>14}", w.name, ours.first().map_or(String::new(), |&t| shown(t)));
            continue;
        }
        let mut all = peers::peers(w)?;
        peers::agree(w, &mut all)?;
        let times = peers::measure(&mut all, rounds);
        let [ours, rvm, interpreter] = times[..] else { return Err("three engines are due".to_owned()) };
        println!(
            "{:4} {:>14} {:>14} {:>8.1} {:>20} {:>8.1}",
            w.name,
            shown(ours),
            shown(rvm),
            ratio(rvm, ours),
            shown(interpreter),
            ratio(interpreter, ours)
        );
    }
    Ok(())
}

fn shown(time: Duration) -> String {
    let ns = time.as_nanos() as f64;
    match ns {
        0.0..10_000.0 => format!("{ns:.0} ns"),
        10_000.0..10_000_000.0 => format!("{:.1} µs", ns / 1e3),
        _ => format!("{:.2} ms", ns / 1e6),
    }
}

fn ratio(a: Duration, b: Duration) -> f64 {
    a.as_nanos() as f64 / (b.as_nanos() as f64).max(1.0)
}

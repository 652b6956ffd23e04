//! The campaigns against the log at length: `faults [TAMPERINGS OF EACH KIND] [POWER CUTS] [FAILURES] [SEED]`.

#[path = "../tests/campaign/mod.rs"]
mod campaign;

use std::process::ExitCode;
use std::time::Instant;

fn main() -> ExitCode {
    let arguments: Vec<u64> = std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    let given = |place: usize, usual| arguments.get(place).copied().unwrap_or(usual);
    let (each, cuts, failures, seed) = (given(0, 1000), given(1, 2000), given(2, 2000), given(3, 1));
    let kinds = campaign::tamper::KINDS.len();
    let all = [
        told(&format!("{kinds} kinds of tampering x {each}"), || campaign::tamper::campaign(each, seed)),
        told(&format!("{cuts} power cuts"), || campaign::power::campaign(cuts, seed)),
        told(&format!("{failures} failing disks"), || campaign::failures::campaign(failures, seed)),
    ];
    if all.into_iter().all(|good| good) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn told(what: &str, campaign: impl FnOnce() -> Result<(), String>) -> bool {
    let start = Instant::now();
    let result = campaign();
    let verdict = result.as_ref().map_or_else(String::as_str, |()| "nothing lost, nothing missed");
    println!("{what}: {verdict} ({:.1} s)", start.elapsed().as_secs_f64());
    result.is_ok()
}

//! The campaigns against the log at length, with the numbers given or the usual ones:
//! `faults [TAMPERINGS OF EACH KIND] [POWER CUTS] [FAILURES] [KILLS] [EVENTS OF 16 PROCESSES] [SEED]`.

#[path = "../tests/campaign/mod.rs"]
mod campaign;

use campaign::{failures, power, processes, tamper};
use std::process::ExitCode;
use std::time::Instant;

fn main() -> ExitCode {
    if processes::work_as_child() {
        return ExitCode::SUCCESS;
    }
    let arguments: Vec<u64> = std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    let given = |place: usize, usual| arguments.get(place).copied().unwrap_or(usual);
    let (each, cuts, fails, kills) = (given(0, 1000), given(1, 2000), given(2, 2000), given(3, 2000));
    let (events, seed) = (given(4, 1_000_000), given(5, 1));
    let kinds = tamper::KINDS.len();
    let all = [
        told(each, &format!("{kinds} kinds of tampering x {each}"), || tamper::campaign(each, seed)),
        told(cuts, &format!("{cuts} power cuts"), || power::campaign(cuts, seed)),
        told(fails, &format!("{fails} failing disks"), || failures::campaign(fails, seed)),
        told(kills, &format!("{kills} kills"), || processes::kills(kills, seed, &[])),
        told(events, &format!("{events} events by 16 processes x 16 threads"), || {
            processes::writers(16, 16, events, &[])
        }),
    ];
    if all.into_iter().all(|good| good) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs a campaign unless it was given no turn, and tells what came of it.
fn told(turns: u64, what: &str, campaign: impl FnOnce() -> Result<(), String>) -> bool {
    let start = Instant::now();
    let result = if turns == 0 { return true } else { campaign() };
    let verdict = result.as_ref().map_or_else(String::as_str, |()| "nothing lost, nothing missed");
    println!("{what}: {verdict} ({:.1} s)", start.elapsed().as_secs_f64());
    result.is_ok()
}

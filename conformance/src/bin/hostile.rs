//! `hostile [N] [SEED] [TARGET]`: N times good bytes changed at random, read by each reader of foreign bytes.
//!
//! A panic or a read of more than ten seconds is printed with its bytes, which are kept in a file of the folder for
//! temporary files.

use govc_conformance::fuzz::Random;
use govc_conformance::fuzz::targets::{ALL, Target};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

fn main() {
    let worker = std::thread::Builder::new().stack_size(1 << 30).spawn(work);
    if worker.map(std::thread::JoinHandle::join).is_ok_and(|ended| ended.is_err()) {
        std::process::exit(1);
    }
}

fn work() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, otherwise: u64| args.get(at).and_then(|a| a.parse().ok()).unwrap_or(otherwise);
    let (count, seed) = (number(0, 10_000), number(1, 1));
    std::panic::set_hook(Box::new(|_| {}));
    for target in ALL.iter().filter(|t| args.get(2).is_none_or(|name| name == t.name)) {
        let start = Instant::now();
        let bad = attack(target, count, seed);
        println!("{}: {count} reads, {bad} bad, {} s", target.name, start.elapsed().as_secs());
    }
}

fn attack(target: &Target, count: u64, seed: u64) -> usize {
    let seeds = (target.seeds)();
    let mut bad = 0;
    for number in 0..count {
        let mut random = Random::of(seed, number);
        let bytes = random.spoiled(&seeds);
        let start = Instant::now();
        let ended = catch_unwind(AssertUnwindSafe(|| (target.read)(&bytes)));
        if ended.is_err() || start.elapsed() > Duration::from_secs(10) {
            bad += 1;
            let path = std::env::temp_dir().join(format!("govc-hostile-{}-{seed}-{number}", target.name));
            // Without the file the number is enough to find the bytes again.
            let _ = std::fs::write(&path, &bytes);
            println!("{} {number}: {}", target.name, path.display());
        }
    }
    bad
}

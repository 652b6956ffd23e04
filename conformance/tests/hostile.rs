//! Good bytes changed at random, read by each reader of foreign bytes: none may panic. Long runs are the command
//! `hostile`, and coverage-guided ones the targets in `conformance/fuzz`.

use govc_conformance::fuzz::Random;
use govc_conformance::fuzz::targets::ALL;

#[test]
fn changed_bytes_are_read_or_refused() {
    let worker = std::thread::Builder::new().stack_size(1 << 28).spawn(|| {
        for target in ALL {
            let seeds = (target.seeds)();
            assert!(!seeds.is_empty(), "{} has no good bytes", target.name);
            (0..1_500).for_each(|n| (target.read)(&Random::of(7, n).spoiled(&seeds)));
        }
    });
    worker.expect("a thread").join().expect("no panic");
}

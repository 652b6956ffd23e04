//! Good bytes changed at random, read by each reader of foreign bytes: none may panic. Long runs are the command
//! `hostile`, and coverage-guided ones the targets in `conformance/fuzz`.

use govc_conformance::fuzz::Random;
use govc_conformance::fuzz::targets::ALL;
use govc_conformance::{cases, repository};

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

/// Bytes that once broke a reader lie in `tests/hostile`, in the folder with its name.
#[test]
fn what_broke_a_reader_does_so_no_more() {
    let folder = repository().join("conformance/tests/hostile");
    let mut read = 0;
    for target in ALL {
        for file in cases::files(&folder.join(target.name), &["json"]) {
            (target.read)(&std::fs::read(&file).expect("bytes"));
            read += 1;
        }
    }
    assert!(read > 0);
}

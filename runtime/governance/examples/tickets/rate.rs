//! How many tickets a second one process takes, beside what disk and library can do.

use crate::world::{Kind, World, store};
use govc_audit::{FolderDisk, Log, Options, Signer};
use govc_governance::outbox::drain;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Instant;

const CLIENTS: usize = 64;

/// A log for the events of a store.
pub(crate) fn log(folder: &Path) -> Log {
    const ORIGIN: &str = "example.com/tickets";
    let signer = Signer::log(ORIGIN, &[7; 32]).expect("a key");
    let disk = FolderDisk::open(folder.join("log")).expect("a folder");
    Log::open(disk, signer, Options::new(ORIGIN)).expect("the log opens")
}

fn rate(count: usize, start: Instant) -> f64 {
    count as f64 / start.elapsed().as_secs_f64()
}

/// Writes of 4 KB, each with its fdatasync, a second.
pub(crate) fn disk(folder: &Path) -> std::io::Result<()> {
    const SYNCS: usize = 300;
    let file = File::create(folder.join("probe"))?;
    file.write_all_at(&vec![0; SYNCS * 4096], 0)?;
    file.sync_all()?;
    let start = Instant::now();
    for place in 0..SYNCS {
        file.write_all_at(&[7; 4096], place as u64 * 4096)?;
        file.sync_data()?;
    }
    println!("disk: {:.0} fdatasync/s", rate(SYNCS, start));
    Ok(())
}

/// Runs `work` for each number, about in order, on so many threads at once.
fn all(count: usize, threads: usize, work: impl Fn(usize) + Sync) {
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let work = &work;
            scope.spawn(move || (thread..count).step_by(threads).for_each(work));
        }
    });
}

/// Uses so many tickets and gives how many a second that were.
pub(crate) fn measure(kind: Kind, count: usize, folder: &Path) -> f64 {
    let world = World::new(kind);
    let (key, algorithm, message, signature) = world.signature();
    let start = Instant::now();
    all(10_000, 2, |_| assert!(key.verifies(algorithm, &message, &signature)));
    println!("{kind:?}: the library verifies {:.0} signatures/s on 2 threads", rate(10_000, start));

    let tokens: Vec<String> = (0..count as u64).map(|number| world.ticket(number)).collect();
    let store = store(folder);
    let redeemer = world.redeemer(&store);
    let start = Instant::now();
    all(count, CLIENTS, |number| {
        let token = tokens.get(number).map_or("", String::as_str);
        assert!(world.used(&redeemer, token), "a fresh ticket was refused");
    });
    let redeemed = rate(count, start);
    println!("{kind:?}: {redeemed:.0} redemptions/s with {CLIENTS} clients");
    let start = Instant::now();
    let log = log(folder);
    assert_eq!(drain(&*store, &log).expect("the outbox drains"), count as u64);
    println!("{kind:?}: their events go into the audit log at {:.0}/s", rate(count, start));
    redeemed
}

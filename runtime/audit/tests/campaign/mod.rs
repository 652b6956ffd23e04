//! Campaigns against the log: what an attacker, a failing disk and a power cut do to it.
//!
//! The tests run each briefly; `cargo run --release -p govc-audit --example faults` runs them at length.

pub(crate) mod failures;
pub(crate) mod power;
pub(crate) mod processes;
pub(crate) mod random;
pub(crate) mod tamper;

use govc_audit::disk::MemoryDisk;
use govc_audit::{Checkpoint, Disk, Log, Options, Signer, verify};
use random::Random;
use std::sync::Arc;
use std::time::Duration;

pub(crate) const ORIGIN: &str = "example.com/audit";

pub(crate) fn signer() -> Signer {
    Signer::log(ORIGIN, &[7; 32]).expect("a key")
}

/// Small segments and frequent syncs, so that a short run sees everything that a long one does.
pub(crate) fn options() -> Options {
    let mut options = Options::new(ORIGIN).segments_of(256 << 10);
    options.sync_tiles_every = 300 << 10;
    options.publish_every = Duration::from_millis(1);
    options
}

pub(crate) fn open(disk: &MemoryDisk) -> Result<Log, String> {
    Log::open(disk.clone(), signer(), options()).map_err(|error| error.to_string())
}

/// The content of an event, which names its number.
pub(crate) fn event(number: u64, random: &mut Random) -> Vec<u8> {
    let mut bytes = format!("event {number} ").into_bytes();
    let length = if random.below(4) == 0 { random.below(6000) } else { random.below(200) };
    bytes.extend((0..length).map(|_| u8::try_from(random.below(256)).unwrap_or(0)));
    bytes
}

/// Checks a log with what is remembered of it.
pub(crate) fn check(disk: &MemoryDisk, remembered: &[Checkpoint]) -> Result<u64, String> {
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    let report = verify(&disk, ORIGIN, &signer().verifier(), remembered, 1);
    report.map(|report| report.entries).map_err(|error| error.to_string())
}

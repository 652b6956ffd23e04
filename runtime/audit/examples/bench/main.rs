//! Measures the log beside what the machine can do: `bench [EVENTS] [FOLDER]`.
//!
//! Without arguments it takes 2 M events. All figures at full size, the recovery of 10 GB among them, are printed by
//! `cargo run --release -p govc-audit --example bench -- 17000000`, which needs 12 GB of disk for some minutes.
//! The log is left in the folder when one is given, and used again when it holds one. Rates of processor time do not depend
//! on who else is busy, but count what the system does to read from the disk what it holds in memory no longer.

mod counted;

use aws_lc_rs::digest::{SHA256, digest};
use counted::Counted;
use govc_audit::merkle::leaf_hashes;
use govc_audit::{Disk, FolderDisk, Log, Options, Reader, Signer, verify};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const ORIGIN: &str = "example.com/bench";
const CLIENTS: u64 = 64;
const IN_FLIGHT: usize = 16;
const EVENT_BYTES: usize = 600;
const CORES: usize = 2;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let events = arguments.next().map_or(Ok(2_000_000), |text| text.parse())?;
    let scratch = tempfile::tempdir_in(".")?;
    let folder = arguments.next().map_or_else(|| scratch.path().join("log"), PathBuf::from);
    let probe = Probe::new(scratch.path())?;
    machine(&probe)?;
    crowd(&folder, events)?;
    alone(&scratch.path().join("alone"), &probe)?;
    reopened(&folder)?;
    verified(&folder)?;
    proved(&folder)?;
    Ok(())
}

fn signer() -> Signer {
    Signer::log(ORIGIN, &[7; 32]).expect("a key")
}

fn open(folder: &Path) -> Result<(Log, Arc<counted::Counts>), Box<dyn std::error::Error>> {
    let disk = Counted::new(FolderDisk::open(folder)?);
    let counts = disk.counts();
    Ok((Log::open(disk, signer(), Options::new(ORIGIN))?, counts))
}

/// A file to measure the disk with: full of zeros ahead, as the journal is.
struct Probe(File);

impl Probe {
    fn new(folder: &Path) -> std::io::Result<Self> {
        let file = File::create(folder.join("probe"))?;
        file.write_all_at(&vec![0; 16 << 20], 0)?;
        file.sync_all()?;
        Ok(Self(file))
    }

    /// One write and fdatasync.
    fn sync(&self, bytes: usize, place: u64) -> std::io::Result<Duration> {
        let start = Instant::now();
        self.0.write_all_at(&vec![7; bytes], place * bytes as u64 % (15 << 20))?;
        self.0.sync_data()?;
        Ok(start.elapsed())
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// The time that this process had on processors; unlike the clock's it does not depend on who else is busy.
fn processor_time() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

fn rate(count: u64, work: impl FnOnce()) -> f64 {
    let start = processor_time();
    work();
    count as f64 / (processor_time() - start)
}

/// Bytes of SHA-256 a second on one core, over blocks of 8 KB.
fn hash_rate() -> f64 {
    const BLOCKS: u64 = 50_000;
    let block = vec![7u8; 8192];
    rate(BLOCKS * 8192, || {
        (0..BLOCKS).for_each(|_| {
            std::hint::black_box(digest(&SHA256, &block));
        })
    })
}

/// The same over leaves as they are verified, 256 of them at once.
fn side_by_side_rate() -> f64 {
    const ROUNDS: u64 = 5000;
    let leaf = vec![7u8; EVENT_BYTES];
    let leaves = [leaf.as_slice(); 256];
    rate(ROUNDS * (leaves.len() * EVENT_BYTES) as u64, || {
        (0..ROUNDS).for_each(|_| drop(std::hint::black_box(leaf_hashes(&leaves))));
    })
}

fn machine(probe: &Probe) -> Result<(), Box<dyn std::error::Error>> {
    for (what, bytes) in [("4 KB", 4096), ("600 KB", 600 << 10)] {
        let times: std::io::Result<Vec<_>> = (0..100).map(|place| probe.sync(bytes, place)).collect();
        println!("disk: write and fdatasync of {what}: {:?} (median of 100)", median(times?));
    }
    println!(
        "sha-256 on one core, of processor time: {:.0} MB/s of one message after the other (8 KB each), \
         {:.0} MB/s of 256 messages side by side ({EVENT_BYTES} bytes each)",
        hash_rate() / 1e6,
        side_by_side_rate() / 1e6,
    );
    let (signer, note) = (signer(), "text\n");
    let signed = signer.sign(note);
    let verifier = signer.verifier();
    let signs = rate(5000, || (0..5000).for_each(|_| drop(std::hint::black_box(signer.sign(note)))));
    let checks = rate(5000, || (0..5000).for_each(|_| drop(std::hint::black_box(verifier.open(&signed)))));
    println!("ed25519: {signs:.0} signatures/s, {checks:.0} verifications/s of processor time");
    Ok(())
}

/// Many clients, each with several events in flight.
fn crowd(folder: &Path, events: u64) -> Result<(), Box<dyn std::error::Error>> {
    let (log, counts) = open(folder)?;
    let before = log.checkpoint().map_or(0, |signed| signed.checkpoint.size);
    let missing = events.saturating_sub(before);
    if missing == 0 {
        return Ok(());
    }
    let (left, start) = (AtomicU64::new(missing), Instant::now());
    let slowest: Vec<Duration> = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                scope.spawn({
                    let (log, left) = (&log, &left);
                    move || work(log, left, client)
                })
            })
            .collect();
        clients.into_iter().flat_map(|client| client.join().expect("no panic")).collect()
    });
    let took = start.elapsed().as_secs_f64();
    println!(
        "{CLIENTS} clients x {IN_FLIGHT} in flight: {missing} events of {EVENT_BYTES} bytes acknowledged in {took:.2} s: {:.0}/s; \
         {} fdatasyncs, {} syncs of everything; acknowledgement after {:?} (median)",
        missing as f64 / took,
        counts.syncs(),
        counts.everything(),
        median(slowest),
    );
    let start = Instant::now();
    log.close()?;
    println!("tiles of the rest published, synced and closed in {:?}", start.elapsed());
    Ok(())
}

/// One client; gives how long each round took.
fn work(log: &Log, left: &AtomicU64, client: u64) -> Vec<Duration> {
    let mut event = vec![b'.'; EVENT_BYTES];
    let mut times = Vec::new();
    loop {
        let start = Instant::now();
        let mut pending = Vec::with_capacity(IN_FLIGHT);
        for _ in 0..IN_FLIGHT {
            let taken = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
            let Ok(number) = taken else { break };
            event[..8].copy_from_slice(&number.to_le_bytes());
            event[8..16].copy_from_slice(&client.to_le_bytes());
            pending.push(log.submit(&event).expect("handed in"));
        }
        if pending.is_empty() {
            return times;
        }
        pending.into_iter().for_each(|pending| drop(pending.wait().expect("acknowledged")));
        times.push(start.elapsed());
    }
}

/// One client that waits for each event; the disk is measured in turn, because others use it, too.
fn alone(folder: &Path, probe: &Probe) -> Result<(), Box<dyn std::error::Error>> {
    let (log, _) = open(folder)?;
    let (mut ours, mut disk) = (Vec::new(), Vec::new());
    for place in 0..1000 {
        disk.push(probe.sync(1024, place)?);
        let start = Instant::now();
        let _ = log.append(&[b'.'; EVENT_BYTES])?;
        ours.push(start.elapsed());
    }
    let (ours, disk) = (median(ours), median(disk));
    let times = ours.as_secs_f64() / disk.as_secs_f64();
    println!("one client: {ours:?} an event, the disk alone {disk:?}: {times:.2} x (medians of 1000)");
    Ok(())
}

fn reopened(folder: &Path) -> Result<(), Box<dyn std::error::Error>> {
    // As after a crash: what a closed log noted beyond the journal is not looked at.
    let start = Instant::now();
    let (log, _) = open(folder)?;
    let took = start.elapsed();
    let size = log.checkpoint().map_or(0, |signed| signed.checkpoint.size);
    println!("recovery of {size} events, {:.1} GB: {took:?}", size as f64 * EVENT_BYTES as f64 / 1e9);
    Ok(())
}

fn verified(folder: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let disk: Arc<dyn Disk> = Arc::new(FolderDisk::open(folder)?);
    for threads in [1, CORES] {
        let (start, busy) = (Instant::now(), processor_time());
        let report = verify(&disk, ORIGIN, &signer().verifier(), &[], threads)?;
        let took = start.elapsed().as_secs_f64();
        let (busy, bytes) = (processor_time() - busy, report.entries as f64 * EVENT_BYTES as f64);
        println!(
            "verified {} events with {threads} threads in {took:.2} s: {:.0} MB/s; {:.0} MB/s of processor time, {:.0} % of SHA-256",
            report.entries,
            bytes / took / 1e6,
            bytes / busy / 1e6,
            bytes / busy / hash_rate() * 100.0,
        );
    }
    Ok(())
}

fn proved(folder: &Path) -> Result<(), Box<dyn std::error::Error>> {
    const PROOFS: u64 = 2000;
    let disk: Arc<dyn Disk> = Arc::new(FolderDisk::open(folder)?);
    let found = Reader::newest(disk, ORIGIN, &signer().verifier())?;
    let (reader, signed) = found.ok_or("no checkpoint")?;
    let mut times = Vec::new();
    for number in 0..PROOFS {
        let index = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) % reader.size();
        let start = Instant::now();
        let proof = reader.prove(index)?;
        times.push(start.elapsed());
        assert!(proof.holds(&signed.checkpoint));
    }
    let slowest = times.iter().max().copied().unwrap_or_default();
    println!(
        "inclusion proof in {}: {:?} (median of {PROOFS}), {slowest:?} at most",
        reader.size(),
        median(times)
    );
    Ok(())
}

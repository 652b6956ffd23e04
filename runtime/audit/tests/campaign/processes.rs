//! Processes that write one log at the same time, and processes that are killed while they write.
//!
//! A child is this very program, started again with the variable [`CHILD`]; it prints a line for each
//! acknowledgement.

use super::random::Random;
use super::{ORIGIN, options, signer};
use govc_audit::{Checkpoint, Disk, FolderDisk, Log, Reader, verify};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

/// Tells a child its work: folder, name, threads and events for each, with `|` between.
pub(crate) const CHILD: &str = "GOVC_AUDIT_CHILD";

/// Does a child's work, if this is one.
pub(crate) fn work_as_child() -> bool {
    let Ok(work) = std::env::var(CHILD) else { return false };
    let parts: Vec<&str> = work.split('|').collect();
    let [folder, name, threads, events] = parts[..] else { panic!("not work: {work}") };
    let log = opened(Path::new(folder)).expect("the log opens");
    let (threads, events): (u64, u64) =
        (threads.parse().expect("a number"), events.parse().expect("a number"));
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let log = &log;
            scope.spawn(move || write(log, &format!("{name} {thread}"), events));
        }
    });
    true
}

fn write(log: &Log, name: &str, events: u64) {
    for number in 0..events {
        let event = format!("{name} {number}");
        let index = log.append(event.as_bytes()).expect("acknowledged").index;
        // One write, so that a kill tears no line of another's.
        let _ = std::io::stdout().write_all(format!("ack {index} {event}\n").as_bytes());
    }
}

fn opened(folder: &Path) -> Result<Log, String> {
    let disk = FolderDisk::open(folder).map_err(|error| error.to_string())?;
    Log::open(disk, signer(), options()).map_err(|error| error.to_string())
}

/// Starts a child. `arguments` lead this program to [`work_as_child`].
fn start(folder: &Path, name: &str, threads: u64, events: u64, arguments: &[&str]) -> Result<Child, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let work = format!("{}|{name}|{threads}|{events}", folder.display());
    let mut command = Command::new(program);
    command.args(arguments).env(CHILD, work).stdout(Stdio::piped()).stderr(Stdio::null());
    command.spawn().map_err(|error| error.to_string())
}

/// The acknowledgements that a child printed.
fn acknowledgements(child: &mut Child) -> Vec<(u64, String)> {
    let Some(output) = child.stdout.take() else { return Vec::new() };
    let lines = BufReader::new(output).lines().map_while(Result::ok);
    let parsed = lines.filter_map(|line| {
        let (_, rest) = line.split_once("ack ")?;
        let (index, event) = rest.split_once(' ')?;
        Some((index.parse().ok()?, event.to_owned()))
    });
    parsed.collect()
}

/// All entries of a log, checked with what is remembered of it.
fn entries(folder: &Path, remembered: &[Checkpoint]) -> Result<(Vec<Vec<u8>>, Option<Checkpoint>), String> {
    let disk: Arc<dyn Disk> = Arc::new(FolderDisk::open(folder).map_err(|error| error.to_string())?);
    let report =
        verify(&disk, ORIGIN, &signer().verifier(), remembered, 2).map_err(|error| error.to_string())?;
    let reader = Reader::at(disk, report.entries);
    let mut all = Vec::new();
    for bundle in 0..report.entries.div_ceil(256) {
        all.extend(reader.bundle(bundle).map_err(|error| error.to_string())?);
    }
    Ok((all, report.checkpoint.map(|signed| signed.checkpoint)))
}

/// Lets processes with threads write events into one log, and checks that each is there once.
pub(crate) fn writers(processes: u64, threads: u64, events: u64, arguments: &[&str]) -> Result<(), String> {
    let folder = tempfile::tempdir_in(".").map_err(|error| error.to_string())?;
    let each = events.div_ceil(processes * threads);
    let children: Result<Vec<Child>, String> = (0..processes)
        .map(|process| start(folder.path(), &process.to_string(), threads, each, arguments))
        .collect();
    let readers: Vec<_> = children?
        .into_iter()
        .map(|mut child| {
            std::thread::spawn(move || {
                let acknowledged = acknowledgements(&mut child);
                (acknowledged, child.wait().is_ok_and(|status| status.success()))
            })
        })
        .collect();
    let mut acknowledged = BTreeMap::new();
    for reader in readers {
        let (found, good) = reader.join().map_err(|_| "a reader panicked".to_owned())?;
        if !good {
            return Err("a writer failed".to_owned());
        }
        acknowledged.extend(found);
    }
    drop(opened(folder.path())?);
    let (all, _) = entries(folder.path(), &[])?;
    let distinct: BTreeSet<&Vec<u8>> = all.iter().collect();
    let expected = processes * threads * each;
    if all.len() as u64 != expected
        || distinct.len() as u64 != expected
        || acknowledged.len() as u64 != expected
    {
        let (all, distinct, acknowledged) = (all.len(), distinct.len(), acknowledged.len());
        return Err(format!(
            "{all} entries, {distinct} distinct, {acknowledged} acknowledged, of {expected}"
        ));
    }
    let at = |index: u64| usize::try_from(index).ok().and_then(|index| all.get(index));
    match acknowledged.iter().find(|(index, event)| at(**index).map(Vec::as_slice) != Some(event.as_bytes()))
    {
        Some((index, event)) => Err(format!("entry {index} is not `{event}`")),
        None => Ok(()),
    }
}

/// Kills writers with SIGKILL at random times, two at once, and checks what they leave.
pub(crate) fn kills(times: u64, seed: u64, arguments: &[&str]) -> Result<(), String> {
    const TIMES_A_LOG: u64 = 40;
    let mut random = Random::new(seed);
    let mut killed = 0;
    while killed < times {
        let folder = tempfile::tempdir_in(".").map_err(|error| error.to_string())?;
        let mut remembered = Vec::new();
        for _ in 0..TIMES_A_LOG.min((times - killed).div_ceil(2)) {
            kill_two(folder.path(), &mut remembered, &mut random, arguments)
                .map_err(|error| format!("seed {seed}, after {killed}: {error}"))?;
            killed += 2;
        }
    }
    Ok(())
}

fn kill_two(
    folder: &Path,
    remembered: &mut Vec<Checkpoint>,
    random: &mut Random,
    arguments: &[&str],
) -> Result<(), String> {
    let name = random.next().to_string();
    let mut first = start(folder, &format!("{name} a"), 3, 100_000, arguments)?;
    let mut second = start(folder, &format!("{name} b"), 3, 100_000, arguments)?;
    for child in [&mut first, &mut second] {
        std::thread::sleep(Duration::from_micros(3000 + random.below(40_000)));
        child.kill().map_err(|error| error.to_string())?;
    }
    let mut acknowledged = acknowledgements(&mut first);
    acknowledged.extend(acknowledgements(&mut second));
    let _ = (first.wait(), second.wait());
    opened(folder)
        .map_err(|error| format!("not opened: {error}"))?
        .close()
        .map_err(|error| error.to_string())?;
    let (all, checkpoint) = entries(folder, remembered)?;
    for (index, event) in acknowledged {
        let found = usize::try_from(index).ok().and_then(|index| all.get(index));
        if found.map(Vec::as_slice) != Some(event.as_bytes()) {
            return Err(format!("entry {index} is not `{event}`, which was acknowledged"));
        }
    }
    *remembered = checkpoint.into_iter().collect();
    Ok(())
}

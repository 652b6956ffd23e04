//! Power cuts: what a process wrote is recorded with `strace`, and played back up to any moment. What was synced by then is
//! there, of the rest what a disk may have kept: some writes and not others. A ticket whose use was told must stay used.

use crate::world::{Kind, World, store};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// Tells a child its folder and how many tickets to use.
pub(crate) const CHILD: &str = "GOVC_TICKETS_TRACED";

/// Does a child's work, if this is one: uses tickets one after the other, tells of each, and ends as if it were killed.
pub(crate) fn work_as_child() -> bool {
    let Ok(work) = std::env::var(CHILD) else { return false };
    let (folder, count) = work.split_once('|').expect("work");
    let world = World::new(Kind::Hs256);
    let redeemer = world.redeemer(&store(Path::new(folder)));
    for number in 0..count.parse().expect("a number") {
        assert!(world.used(&redeemer, &world.ticket(number)));
        // One write, which the trace shows as one.
        let _ = std::io::stderr().write_all(format!("used {number}\n").as_bytes());
    }
    std::process::abort();
}

/// What a process asked of the system.
#[derive(Debug)]
enum Call {
    Write {
        file: String,
        at: usize,
        bytes: Vec<u8>,
    },
    Cut {
        file: String,
        length: usize,
    },
    Sync {
        file: String,
    },
    /// The use of a ticket was told.
    Told(u64),
}

/// Runs a child under `strace`; nothing where that is absent.
fn record(folder: &Path, count: u64, arguments: &[&str]) -> Option<Vec<Call>> {
    let trace = folder.join("trace");
    let program = std::env::current_exe().expect("this program");
    let status = Command::new("strace")
        .args([
            "-f",
            "-y",
            "-xx",
            "-s",
            "100000",
            "-e",
            "trace=pwrite64,write,ftruncate,fdatasync,fsync",
            "-o",
        ])
        .arg(&trace)
        .arg(program)
        .args(arguments)
        .env(CHILD, format!("{}|{count}", folder.display()))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.ok()?;
    let text = std::fs::read_to_string(trace).expect("a trace");
    Some(text.lines().filter_map(|line| call(line, folder)).collect())
}

/// A line such as `71 pwrite64(5</tmp/store.db-wal>, "\x37\x7f", 2, 0) = 2`.
fn call(line: &str, folder: &Path) -> Option<Call> {
    let (_, call) = line.split_once(' ')?;
    let (name, rest) = call.trim_start().split_once('(')?;
    let (_, rest) = rest.split_once('<')?;
    let (path, rest) = rest.split_once('>')?;
    // strace writes paths in hex, too.
    let path = String::from_utf8(bytes(path)).ok()?;
    let (arguments, result) = rest.rsplit_once(" = ")?;
    assert!(!result.starts_with('-'), "a call failed: {name} {path} {result}");
    let mut arguments = arguments.trim_end_matches(')').split(", ").skip(1);
    let file = || path.strip_prefix(folder.to_str()?)?.strip_prefix('/').map(str::to_owned);
    match name {
        "write" => {
            let text = String::from_utf8(bytes(arguments.next()?)).ok()?;
            Some(Call::Told(text.strip_prefix("used ")?.trim().parse().ok()?))
        }
        "pwrite64" => {
            let (file, bytes) = (file()?, bytes(arguments.next()?));
            Some(Call::Write { file, bytes, at: arguments.nth(1)?.parse().ok()? })
        }
        "ftruncate" => Some(Call::Cut { file: file()?, length: arguments.next()?.parse().ok()? }),
        "fdatasync" | "fsync" => Some(Call::Sync { file: file()? }),
        _ => None,
    }
}

/// The bytes of `"\x37\x7f"`.
fn bytes(text: &str) -> Vec<u8> {
    let digits = text.trim_matches('"').split("\\x").skip(1);
    digits.filter_map(|digits| u8::from_str_radix(digits.get(..2)?, 16).ok()).collect()
}

/// A disk that loses power: per file, what it surely has, and the writes that it may have.
#[derive(Clone, Debug, Default)]
struct Drive {
    sure: BTreeMap<String, Vec<u8>>,
    unsure: Vec<(String, usize, Option<Vec<u8>>)>,
}

impl Drive {
    fn of(folder: &Path) -> Self {
        let names = ["store.db", "store.db-wal"].iter();
        let sure =
            names.filter_map(|name| Some(((*name).to_owned(), std::fs::read(folder.join(name)).ok()?)));
        Self { sure: sure.collect(), unsure: Vec::new() }
    }

    fn take(&mut self, call: &Call) {
        match call {
            Call::Write { file, at, bytes } => self.unsure.push((file.clone(), *at, Some(bytes.clone()))),
            Call::Cut { file, length } => self.unsure.push((file.clone(), *length, None)),
            Call::Sync { file } => {
                let (now, later): (Vec<_>, _) =
                    std::mem::take(&mut self.unsure).into_iter().partition(|(name, _, _)| name == file);
                self.unsure = later;
                now.into_iter().for_each(|write| apply(&mut self.sure, write));
            }
            Call::Told(_) => {}
        }
    }

    /// What is there after a cut, of the unsure writes those that `keeps` says.
    fn left(&self, mut keeps: impl FnMut() -> bool, folder: &Path) {
        let mut files = self.sure.clone();
        self.unsure.iter().filter(|_| keeps()).for_each(|write| apply(&mut files, write.clone()));
        for (name, content) in files.iter().filter(|(name, _)| !name.ends_with("-shm")) {
            std::fs::write(folder.join(name), content).expect("a copy is written");
        }
    }
}

fn apply(files: &mut BTreeMap<String, Vec<u8>>, (name, at, bytes): (String, usize, Option<Vec<u8>>)) {
    let file = files.entry(name).or_default();
    match bytes {
        None => file.resize(at, 0),
        Some(bytes) => {
            file.resize(file.len().max(at + bytes.len()), 0);
            file.splice(at..at + bytes.len(), bytes);
        }
    }
}

/// What became of it.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) cuts: usize,
    /// Uses that were told before the last cut could be.
    pub(crate) told: usize,
    /// Syncs that the process made.
    pub(crate) syncs: usize,
    /// Tickets whose use was told, and which a store after a cut took again.
    pub(crate) twice: usize,
}

/// Uses `count` tickets, and cuts the power `cuts` times. Nothing where `strace` is absent.
pub(crate) fn run(folder: &Path, count: u64, cuts: usize, arguments: &[&str]) -> Option<Report> {
    // The tables are there before, and durable.
    drop(store(folder));
    let before = Drive::of(folder);
    let calls = record(folder, count, arguments)?;
    let syncs = calls.iter().filter(|call| matches!(call, Call::Sync { .. })).count();
    let told = calls.iter().filter(|call| matches!(call, Call::Told(_))).count();
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let mut draw = move || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    };
    let mut twice = 0;
    for _ in 0..cuts {
        let moment = usize::try_from(draw() % (calls.len() as u64 + 1)).unwrap_or_default();
        let mut drive = before.clone();
        calls.iter().take(moment).for_each(|call| drive.take(call));
        let after = tempfile::tempdir().expect("a folder");
        let kept = draw();
        let mut place = 0;
        drive.left(
            || {
                place += 1;
                kept.rotate_left(place) & 1 == 1
            },
            after.path(),
        );
        let told = calls
            .iter()
            .take(moment)
            .filter_map(|call| if let Call::Told(number) = call { Some(*number) } else { None });
        twice += still_good(told, after.path());
    }
    Some(Report { cuts, told, syncs, twice })
}

/// Tickets of these that a store takes. Only the newest can be in danger, so not all of a long run are tried.
fn still_good(told: impl Iterator<Item = u64>, folder: &Path) -> usize {
    let world = World::new(Kind::Hs256);
    let redeemer = world.redeemer(&store(folder));
    let told: Vec<u64> = told.collect();
    told.iter().rev().take(12).filter(|number| world.used(&redeemer, &world.ticket(**number))).count()
}

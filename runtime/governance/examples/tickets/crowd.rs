//! Processes that use the same tickets and are killed while they do.
//!
//! A child is this very program, started again with the variable [`CHILD`]; it prints the number of each ticket that it used.

use crate::rate::log;
use crate::world::{Kind, SERVER, World, store};
use govc_audit::{Event, Log};
use govc_governance::outbox::drain;
use std::collections::HashSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// Tells a child its work: folder, first ticket, count of tickets, count of all, with `|` between.
pub(crate) const CHILD: &str = "GOVC_TICKETS_CHILD";

/// Clients in each process.
const CLIENTS: u64 = 8;

/// Does a child's work, if this is one.
pub(crate) fn work_as_child() -> bool {
    let Ok(work) = std::env::var(CHILD) else { return false };
    let parts: Vec<&str> = work.split('|').collect();
    let [folder, first, count, all] = parts[..] else { panic!("not work: {work}") };
    let [first, count, all] = [first, count, all].map(|text| text.parse::<u64>().expect("a number"));
    let world = World::new(Kind::Hs256);
    let redeemer = world.redeemer(&store(Path::new(folder)));
    let used = match Path::new(folder).join(SERVER).exists() {
        true => World::used_if_answered,
        false => World::used,
    };
    std::thread::scope(|scope| {
        for client in 0..CLIENTS {
            let (world, redeemer) = (&world, &redeemer);
            scope.spawn(move || {
                for number in (client..count).step_by(CLIENTS as usize).map(|step| (first + step) % all) {
                    if used(world, redeemer, &world.ticket(number)) {
                        // One write, so that a kill tears no line of another's.
                        let _ = std::io::stdout().write_all(format!("used {number}\n").as_bytes());
                    }
                }
            });
        }
    });
    true
}

/// What became of it.
#[derive(Debug)]
pub(crate) struct Report {
    /// Tickets that somebody was told to have used.
    pub(crate) used: usize,
    /// Those that two were told so.
    pub(crate) twice: usize,
    /// Events of used tickets in the log.
    pub(crate) logged: usize,
    /// Tickets whose use was told and is not in the log, or stands there twice.
    pub(crate) wrong: usize,
    /// Processes that were killed.
    pub(crate) kills: u64,
}

/// Uses `tickets` tickets from `processes` processes. Each ticket is tried by two processes or more; each process is killed
/// `kills` times and started again. `arguments` lead this program to [`work_as_child`].
pub(crate) fn run(folder: &Path, tickets: u64, processes: u64, kills: u64, arguments: &[&str]) -> Report {
    drop(store(folder));
    let share = tickets / processes;
    let (log, done, killed) = (log(folder), AtomicBool::new(false), AtomicU64::new(0));
    let used: Vec<u64> = std::thread::scope(|scope| {
        let drainer = scope.spawn(|| drain_until(folder, &log, &done));
        let killed = &killed;
        let crowd: Vec<_> = (0..processes)
            .map(|process| {
                scope.spawn(move || {
                    lives(folder, process * share, 2 * share, tickets, kills, killed, arguments)
                })
            })
            .collect();
        let used = crowd.into_iter().flat_map(|lives| lives.join().expect("a process was watched")).collect();
        done.store(true, Ordering::Release);
        drainer.join().expect("the outbox drains");
        used
    });
    judge(&used, &log, killed.into_inner())
}

fn drain_until(folder: &Path, log: &Log, done: &AtomicBool) {
    let store = store(folder);
    while !done.load(Ordering::Acquire) {
        std::thread::sleep(Duration::from_millis(300));
        // A server that was shot down in between is asked again.
        let _ = drain(&*store, log);
    }
    drain(&*store, log).or_else(|_| drain(&*store, log)).expect("the outbox drains");
}

/// A process and those that follow it when it was killed; gives the tickets that they used. Each but the last is killed after it
/// used its part of the tickets.
fn lives(
    folder: &Path,
    first: u64,
    count: u64,
    all: u64,
    kills: u64,
    killed: &AtomicU64,
    arguments: &[&str],
) -> Vec<u64> {
    let mut used = Vec::new();
    let part = count / (kills + 1) / 2;
    for life in 0..=kills {
        // Much of what the one before did is tried again, and all that it may have been at when it died.
        let begin = life * part;
        let mut child = start(folder, first + begin, count - begin, all, arguments);
        let lines = child.stdout.take().map(BufReader::new).into_iter().flat_map(BufRead::lines);
        let (mut left, mut lives) = (part, life < kills);
        for line in lines.map_while(Result::ok) {
            used.extend(line.split_once("used ").and_then(|(_, number)| number.parse::<u64>().ok()));
            left = left.saturating_sub(1);
            if left == 0 && lives {
                // What it wrote before it died is still read.
                killed.fetch_add(u64::from(child.kill().is_ok()), Ordering::Relaxed);
                lives = false;
            }
        }
        let _ = child.wait();
    }
    used
}

fn start(folder: &Path, first: u64, count: u64, all: u64, arguments: &[&str]) -> Child {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(arguments).env(CHILD, format!("{}|{first}|{count}|{all}", folder.display()));
    command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().expect("a process starts")
}

fn judge(used: &[u64], log: &Log, kills: u64) -> Report {
    let mut told = HashSet::new();
    let twice = used.iter().filter(|number| !told.insert(World::name(**number))).count();
    let reader = log.reader().expect("the log is read");
    let mut logged = HashSet::new();
    let mut again = 0;
    for bundle in 0..reader.size().div_ceil(256) {
        for entry in reader.bundle(bundle).expect("the log is whole") {
            let event = Event::read(&entry).expect("an event");
            let check = event.policy_checks.into_iter().next().expect("what happened");
            if check.result == "redeemed" {
                again += usize::from(!logged.insert(check.reason.unwrap_or_default()));
            }
        }
    }
    let wrong = again + told.difference(&logged).count();
    Report { used: told.len(), twice, logged: logged.len(), wrong, kills }
}

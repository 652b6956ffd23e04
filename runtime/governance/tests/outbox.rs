//! Events of a store reach the log once each and in order, whoever dies when.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use govc_audit::event::{Kind, Verdict};
use govc_audit::{Event, FolderDisk, Log, Options, Signer};
use govc_governance::outbox::{AuditOutbox, DrainError, Position, Row, drain};
use govc_governance::store::{SqliteStore, Store, StoreError};
use std::cell::Cell;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const ORIGIN: &str = "example.com/audit";

/// Tells a child its folder.
const CHILD: &str = "GOVC_OUTBOX_CHILD";

fn log(folder: &Path) -> Log {
    let signer = Signer::log(ORIGIN, &[7; 32]).unwrap();
    let options = Options::new(ORIGIN).segments_of(256 << 10);
    Log::open(FolderDisk::open(folder.join("log")).unwrap(), signer, options).unwrap()
}

fn store(folder: &Path) -> SqliteStore {
    SqliteStore::open(folder.join("store.db")).unwrap()
}

fn event(action: &str) -> Event {
    Event { action: Some(action.to_owned()), ..Event::new(Kind::Decision, Verdict::Deny) }
}

/// The actions in the log, in order.
fn actions(log: &Log) -> Vec<String> {
    let reader = log.reader().unwrap();
    let bundles = (0..reader.size().div_ceil(256)).flat_map(|bundle| reader.bundle(bundle).unwrap());
    bundles.map(|entry| Event::read(&entry).unwrap().action.unwrap()).collect()
}

/// Ends the drain before a step, or right behind it, as if the process had died.
struct Dying<'s> {
    store: &'s SqliteStore,
    steps: Cell<usize>,
}

impl Dying<'_> {
    fn step<T>(&self, act: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.live()?;
        let result = act();
        self.live()?;
        result
    }

    fn live(&self) -> Result<(), StoreError> {
        let left = self.steps.get().checked_sub(1);
        self.steps.set(left.ok_or_else(|| StoreError::Database("dead".to_owned()))?);
        Ok(())
    }
}

impl AuditOutbox for Dying<'_> {
    fn position(&self) -> Result<Position, StoreError> {
        self.step(|| self.store.position())
    }

    fn waiting(&self, limit: usize) -> Result<Vec<Row>, StoreError> {
        // Few at a time, so that there are many steps.
        self.step(|| self.store.waiting(limit.min(3)))
    }

    fn remove(&self, through: u64, log: &str, log_size: u64) -> Result<(), StoreError> {
        self.step(|| self.store.remove(through, log, log_size))
    }
}

/// Behind the log's acknowledgement comes `remove`, so dying before that is dying between append and removal.
#[test]
fn dying_between_any_two_steps_neither_loses_nor_repeats() {
    for others in [false, true] {
        let mut finished = false;
        for death in 0..40 {
            let folder = tempfile::tempdir().unwrap();
            let (store, log) = (store(folder.path()), log(folder.path()));
            let all: Vec<String> = (0..8).map(|n| format!("act-{n}")).collect();
            store.record(all.iter().map(|name| event(name)).collect()).unwrap();
            finished = drain(&Dying { store: &store, steps: Cell::new(death) }, &log).is_ok();
            if others {
                let _ = log.append(&event("other").entry().unwrap()).unwrap();
            }
            drop(log);
            let log = self::log(folder.path());
            drain(&store, &log).unwrap();
            assert_eq!(actions(&log).into_iter().filter(|name| name != "other").collect::<Vec<_>>(), all);
            assert_eq!(drain(&store, &log).unwrap(), 0);
        }
        assert!(finished, "there are deaths behind the last step");
    }
}

#[test]
fn what_fails_leaves_no_event() {
    let folder = tempfile::tempdir().unwrap();
    let (store, log) = (store(folder.path()), log(folder.path()));
    let large = event(&"x".repeat(70_000));
    let error = store.record(vec![event("small"), large]).unwrap_err();
    assert_eq!(error.code(), "govc_store_event");
    assert_eq!(drain(&store, &log).unwrap(), 0);
    store.record(vec![event("next")]).unwrap();
    assert_eq!(store.waiting(9).unwrap().iter().map(|row| row.sequence).collect::<Vec<_>>(), [1]);
}

#[test]
fn stores_and_logs_that_do_not_belong_together_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let first = log(folder.path());
    let store = store(folder.path());
    store.record(vec![event("a")]).unwrap();
    std::fs::copy(folder.path().join("store.db"), folder.path().join("copy.db")).unwrap();
    std::fs::copy(folder.path().join("store.db-wal"), folder.path().join("copy.db-wal")).unwrap();
    drain(&store, &first).unwrap();
    store.record(vec![event("b"), event("c")]).unwrap();
    drain(&store, &first).unwrap();

    let copy = SqliteStore::open(folder.path().join("copy.db")).unwrap();
    copy.record(vec![event("not b")]).unwrap();
    assert_eq!(drain(&copy, &first), Err(DrainError::SetBack { sequence: 2 }));

    store.record(vec![event("d")]).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let shorter = log(elsewhere.path());
    assert_eq!(drain(&store, &shorter), Err(DrainError::Shorter { expected: 3, found: 0 }));
    let signer = Signer::log("example.com/other", &[7; 32]).unwrap();
    let disk = FolderDisk::open(elsewhere.path().join("other")).unwrap();
    let other = Log::open(disk, signer, Options::new("example.com/other")).unwrap();
    assert_eq!(drain(&store, &other).unwrap_err().code(), "govc_outbox_other_log");
}

/// Not a test by itself: what the children of the next one do.
#[test]
fn child() {
    let Some(folder) = std::env::var_os(CHILD) else { return };
    let (store, log) = (store(folder.as_ref()), log(folder.as_ref()));
    drain(&store, &log).unwrap();
    for number in 0.. {
        store.record(vec![event(&format!("{}-{number}", std::process::id()))]).unwrap();
        drain(&store, &log).unwrap();
        // Beside what the harness prints.
        eprintln!("{number}");
    }
}

fn start(folder: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["child", "--exact", "--nocapture"]).env(CHILD, folder);
    command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn killed_processes_neither_lose_nor_repeat() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..10 {
        let mut children: Vec<Child> = (0..2).map(|_| start(folder.path())).collect();
        for child in &mut children {
            let lines = BufReader::new(child.stderr.take().unwrap()).lines();
            assert_eq!(
                lines.take(3).filter(|line| line.is_ok()).count(),
                3,
                "a child lives until it is killed"
            );
        }
        std::thread::sleep(Duration::from_micros(700 * round));
        for child in &mut children {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
    let (store, log) = (store(folder.path()), log(folder.path()));
    drain(&store, &log).unwrap();
    let reader = log.reader().unwrap();
    let bundles = (0..reader.size().div_ceil(256)).flat_map(|bundle| reader.bundle(bundle).unwrap());
    let ids: Vec<String> = bundles.map(|entry| Event::read(&entry).unwrap().event_id).collect();
    let id = store.position().unwrap().id;
    let wanted: Vec<String> = (1..=ids.len()).map(|number| format!("evt-{id}-{number}")).collect();
    assert_eq!(ids, wanted);
    assert!(ids.len() > 50, "{}", ids.len());
}

//! No ticket is used twice, whoever dies when: a short run of what `examples/tickets` does at length.
#![allow(dead_code, reason = "the example uses all of it")]

#[path = "../examples/tickets/crowd.rs"]
mod crowd;
#[path = "../examples/tickets/power.rs"]
mod power;
#[path = "../examples/tickets/rate.rs"]
mod rate;
#[path = "../examples/tickets/world.rs"]
mod world;

/// Leads a child to its work; by itself it tests nothing.
const CHILD: &[&str] = &["child", "--exact", "--nocapture"];

#[test]
fn child() {
    let _ = crowd::work_as_child() || power::work_as_child();
}

#[test]
fn killed_processes_use_no_ticket_twice() {
    let folder = tempfile::tempdir().expect("a folder");
    let report = crowd::run(folder.path(), 600, 3, 2, CHILD);
    assert_eq!((report.twice, report.wrong), (0, 0), "{report:?}");
    assert!(report.kills >= 3 && report.used > 400 && report.logged >= report.used, "{report:?}");
}

#[test]
fn power_cuts_make_no_ticket_good_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(report) = power::run(folder.path(), 60, 40, CHILD) else {
        println!("no strace here: skipped");
        return;
    };
    println!("{report:?}");
    assert_eq!((report.told, report.twice), (60, 0), "{report:?}");
    assert!(report.syncs >= 60, "each ticket has its sync: {report:?}");
}

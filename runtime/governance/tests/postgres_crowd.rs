//! No ticket is used twice over a PostgreSQL server, whoever is killed: processes that use tickets, and those of the server.
//! `GOVC_TEST_POSTGRES` gives its address; where it runs elsewhere nothing of it is killed by force.
#![allow(dead_code, reason = "the example uses all of it")]

#[path = "../examples/tickets/crowd.rs"]
mod crowd;
#[path = "../examples/tickets/rate.rs"]
mod rate;
#[path = "../examples/tickets/world.rs"]
mod world;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Leads a child to its work; by itself it tests nothing.
const CHILD: &[&str] = &["child", "--exact", "--nocapture"];

#[test]
fn child() {
    let _ = crowd::work_as_child();
}

/// Ends processes of the server, one after the other, and one of them by force, until it is told to stop; gives how many.
fn shoot(address: &str, name: &str, stop: &AtomicBool) -> usize {
    const VICTIM: &str =
        "SELECT pid FROM pg_stat_activity WHERE application_name = $1 ORDER BY random() LIMIT 1";
    let mut shots = 0;
    while !stop.load(Ordering::Acquire) {
        std::thread::sleep(Duration::from_millis(200));
        // Whoever is shot by force takes this connection along.
        let Ok(mut client) = postgres::Client::connect(address, postgres::NoTls) else { continue };
        let Ok(Some(row)) = client.query_opt(VICTIM, &[&name]) else { continue };
        let pid: i32 = row.get(0);
        let done = match shots {
            4 => std::process::Command::new("kill").args(["-9", &pid.to_string()]).status().is_ok(),
            _ => client.execute("SELECT pg_terminate_backend($1)", &[&pid]).is_ok(),
        };
        shots += usize::from(done);
    }
    shots
}

#[test]
fn killed_processes_of_both_sides_use_no_ticket_twice() {
    let Ok(address) = std::env::var("GOVC_TEST_POSTGRES") else {
        println!("GOVC_TEST_POSTGRES is not set: skipped");
        return;
    };
    let name = format!("govc_crowd_{}", std::process::id());
    let run = |what: &str, end: &str| {
        let client = postgres::Client::connect(&address, postgres::NoTls);
        client.expect("a server").batch_execute(&format!("{what} {name} {end}")).expect("a schema");
    };
    run("CREATE SCHEMA", "");
    let folder = tempfile::tempdir().expect("a folder");
    let ledger = format!("{address} application_name={name} options='-c search_path={name}'");
    std::fs::write(folder.path().join(world::SERVER), ledger).expect("written");
    let stop = AtomicBool::new(false);
    let (report, shots) = std::thread::scope(|scope| {
        let shots = scope.spawn(|| shoot(&address, &name, &stop));
        let report = crowd::run(folder.path(), 4000, 8, 2, CHILD);
        stop.store(true, Ordering::Release);
        (report, shots.join().expect("shots"))
    });
    run("DROP SCHEMA", "CASCADE");
    println!("{report:?}, {shots} processes of the server ended");
    assert_eq!((report.twice, report.wrong), (0, 0), "{report:?}");
    assert!(report.kills >= 8 && shots >= 5 && report.used > 2000, "{report:?}, {shots}");
}

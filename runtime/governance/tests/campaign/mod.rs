//! Processes that are killed at random points, and what they must have left.
//!
//! The child is this very program, started again: a test named `child`, or the example itself.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    reason = "each program uses a part, and one that cannot go on must fail"
)]

pub mod promotion;
pub mod revalidation;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

const KIND: &str = "GOVC_CAMPAIGN";
const FOLDER: &str = "GOVC_CAMPAIGN_FOLDER";

/// Does the work of a child, where this is one.
pub fn child() -> bool {
    let Ok(kind) = std::env::var(KIND) else { return false };
    let folder = PathBuf::from(std::env::var(FOLDER).unwrap());
    match kind.as_str() {
        promotion::KIND => promotion::work(&folder),
        revalidation::KIND => revalidation::work(&folder),
        other => panic!("{other}"),
    }
    true
}

/// The child is about to begin with what may be cut off.
pub fn ready() {
    if std::env::var(KIND).is_ok() {
        println!("ready");
    }
}

/// Starts a child, kills it after a while, and says whether it had come to its end before.
pub fn killed(kind: &str, folder: &Path, after: Duration) -> bool {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["child", "--exact", "--nocapture"])
        .env(KIND, kind)
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let _ready = lines.map_while(Result::ok).find(|line| line.ends_with("ready")).unwrap();
    std::thread::sleep(after);
    // It may have ended by itself.
    let _ = child.kill();
    child.wait().unwrap().success()
}

/// Numbers that look random and are the same in every run (xorshift).
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    pub fn within(&mut self, longest: Duration) -> Duration {
        let micros = u64::try_from(longest.as_micros()).unwrap();
        Duration::from_micros(self.below(micros.max(1)))
    }
}

//! `--watch`: waits until a file has changed, by looking at the times of all files four times a second.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

/// When each file was last written.
pub(super) type Times = BTreeMap<PathBuf, Option<SystemTime>>;

/// The files at paths and below, with their times.
pub(super) fn times(paths: &[String]) -> Times {
    let mut found = Times::new();
    paths.iter().for_each(|path| add(PathBuf::from(path), 0, &mut found));
    found
}

fn add(path: PathBuf, depth: usize, found: &mut Times) {
    // Deeper folders are a loop of links.
    if path.is_dir() && depth < 100 {
        let entries = std::fs::read_dir(&path).into_iter().flatten().flatten();
        return entries.for_each(|entry| add(entry.path(), depth + 1, found));
    }
    let written = path.metadata().and_then(|info| info.modified()).ok();
    found.insert(path, written);
}

/// Waits until the times are others, and tells them.
pub(super) fn changed(paths: &[String], seen: Times) -> Times {
    loop {
        std::thread::sleep(Duration::from_millis(250));
        let now = times(paths);
        if now != seen {
            return now;
        }
    }
}

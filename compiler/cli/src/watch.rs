//! `--watch`: which files have changed, seen by their times and lengths.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Folders nested deeper are taken for a loop of links.
const DEPTH: usize = 200;

/// How often files are looked at.
const LOOK: Duration = Duration::from_millis(250);

/// When each file was last written, and how long it is.
pub(crate) type Marks = BTreeMap<PathBuf, (Option<SystemTime>, u64)>;

/// The files at paths and below; paths as on the command line, `file://path` and `a.b:path` among them.
pub(crate) fn marks(paths: &[String]) -> Marks {
    let mut found = Marks::new();
    for path in paths {
        let path = path.strip_prefix("file://").unwrap_or(path);
        let path = match path.split_once(':') {
            Some((_, rest)) if !Path::new(path).exists() => rest,
            _ => path,
        };
        mark(Path::new(path), &mut found, 0);
    }
    found
}

fn mark(path: &Path, found: &mut Marks, depth: usize) {
    let Ok(info) = std::fs::metadata(path) else { return };
    if !info.is_dir() {
        found.insert(path.to_owned(), (info.modified().ok(), info.len()));
    } else if depth < DEPTH
        && let Ok(entries) = std::fs::read_dir(path)
    {
        entries.flatten().for_each(|entry| mark(&entry.path(), found, depth + 1));
    }
}

/// Waits until the files are others, and tells them.
pub(crate) fn changed(paths: &[String], seen: &Marks) -> Marks {
    loop {
        std::thread::sleep(LOOK);
        let now = marks(paths);
        if now != *seen {
            return now;
        }
    }
}

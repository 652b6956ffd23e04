//! The same command lines to `opa` and to `govc`: output, exit code and errors are equal, or listed in `gaps.toml`.
//!
//! `GOVC_LINES=part` runs only the lines whose name holds the part.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use govc_conformance::command_lines::{self, Line, Outcome, Program};
use govc_conformance::gaps;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many lines there must be.
const WANTED: usize = 300;

fn lines() -> Vec<Line> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/command_lines");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    paths.sort();
    let read = |path: &PathBuf| {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        command_lines::read(&name, &std::fs::read_to_string(path).unwrap())
    };
    paths.iter().flat_map(read).collect()
}

type Pair = (Outcome, Outcome);

/// What both programs answer to each line, some lines at a time.
fn run_all(lines: &[Line], opa: &Program, govc: &Program, root: &Path) -> Vec<Pair> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(line) = lines.get(at) else { return done };
            // One after the other in the same folder: some outputs hold lengths and paths.
            let folder = root.join(at.to_string());
            done.push((at, (opa.run(line, &folder).unwrap(), govc.run(line, &folder).unwrap())));
        }
    };
    let mut found: Vec<(usize, Pair)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    found.sort_by_key(|(at, _)| *at);
    found.into_iter().map(|(_, pair)| pair).collect()
}

/// Both answers, from the first line that differs.
fn show(why: &str, (opa, govc): &Pair) -> String {
    let same = opa.stdout.lines().zip(govc.stdout.lines()).take_while(|(a, b)| a == b).count();
    let from = |text: &str, skip: usize| -> String {
        text.lines().skip(skip).take(20).map(|line| format!("{line}\n")).collect()
    };
    let shown = |outcome: &Outcome| {
        format!(
            "exit {:?}\n{}--- stderr\n{}",
            outcome.code,
            from(&outcome.stdout, same),
            from(&outcome.stderr, 0)
        )
    };
    format!("{why}\n===== opa, from line {same}: {}===== govc: {}", shown(opa), shown(govc))
}

#[test]
fn both_answer_the_same() {
    let Some(opa) = govc_conformance::opa() else { return println!("skipped: no `opa` to compare with") };
    let part = std::env::var("GOVC_LINES").unwrap_or_default();
    let all = lines();
    assert!(all.len() >= WANTED, "{} command lines; {WANTED} are wanted", all.len());
    let chosen: Vec<Line> = all.into_iter().filter(|line| line.name().contains(&part)).collect();
    let folder = tempfile::tempdir().unwrap();
    let opa = Program::link(&opa, &folder.path().join("opa"), "OPA").unwrap();
    let govc = Program::link(&govc_conformance::govc(), &folder.path().join("govc"), "GOVC").unwrap();
    let pairs = run_all(&chosen, &opa, &govc, folder.path());
    let answers = chosen.iter().zip(&pairs).map(|(line, pair)| {
        let same = pair.0.differs(&pair.1).map_or(Ok(()), |why| Err(show(why, pair)));
        (line.name(), same)
    });
    let judged = gaps::judge_named("command_lines", &answers.collect::<Vec<_>>(), part.is_empty());
    println!("{} of {} command lines are answered as opa does", judged.passed, chosen.len());
    judged.missing.iter().chain(&judged.untrue).for_each(|how| println!("{how}\n"));
    let wrong = judged.missing.len() + judged.untrue.len();
    assert_eq!(wrong, 0, "command lines that are answered otherwise and not listed, or listed and equal");
}

//! Texts of the case files with a few bytes changed: no builtin may panic or fail to end.

mod support;

use govc_stdlib::{Cache, Context, lookup};
use govc_value::{Arena, Heap, SymbolTable, Value};
use std::time::{Duration, Instant};
use support::{Nowhere, read_call};

/// A small generator of its own, so that runs are the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % sides.max(1)
    }
}

const PIECES: [&str; 16] =
    ["{", "}", "\"", "\\", "(", ")", "-", "\n", "é", "\0", "[", "$", "%", "=", "AAAA", "9999999999999999999"];

fn changed(dice: &mut Dice, text: &str) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for _ in 0..=dice.roll(3) {
        let at = dice.roll(chars.len() + 1);
        match dice.roll(4) {
            0 if !chars.is_empty() => drop(chars.remove(at.min(chars.len() - 1))),
            1 => {
                let end = (at + dice.roll(20)).min(chars.len());
                chars.drain(at.min(end)..end);
            }
            2 if !chars.is_empty() => {
                let (one, other) = (at.min(chars.len() - 1), dice.roll(chars.len()));
                chars.swap(one, other);
            }
            _ => {
                let piece = PIECES[dice.roll(PIECES.len())];
                chars.splice(at..at, piece.chars());
            }
        }
    }
    chars.into_iter().collect()
}

fn perform(dice: &mut Dice, line: &str) -> Duration {
    let arena = Arena::new(1 << 28);
    let symbols = SymbolTable::default();
    let heap = Heap::new(&arena, &symbols);
    let (name, args) = read_call(line, heap);
    let builtin = lookup(name).unwrap_or_else(|| panic!("`{name}` is not declared"));
    let change = |dice: &mut Dice, arg: Value<'_>| arg.as_str().map(|text| changed(dice, text));
    let args: Vec<_> =
        args.iter().map(|arg| change(dice, *arg).map_or(*arg, |text| heap.string(&text))).collect();
    let mut context = Context { heap, cache: &mut Cache::default(), world: &mut Nowhere };
    let start = Instant::now();
    let _ = builtin.perform(&mut context, &args);
    start.elapsed()
}

#[test]
fn changed_texts_do_no_harm() {
    let folder = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let (mut dice, mut calls) = (Dice(7), 0);
    let mut slowest = (Duration::ZERO, String::new());
    for entry in std::fs::read_dir(folder).expect("the folder") {
        let text = std::fs::read_to_string(entry.expect("an entry").path()).expect("a case file");
        // A short prefix has many addresses, up to the limit of memory.
        let fits = |line: &&str| {
            line.contains('"') && !line.starts_with('#') && !line.starts_with("net.cidr_expand")
        };
        for line in text.lines().filter(fits) {
            for _ in 0..20 {
                let took = perform(&mut dice, line);
                calls += 1;
                if took > slowest.0 {
                    slowest = (took, line.chars().take(200).collect());
                }
            }
        }
    }
    println!("{calls} calls, the slowest took {:?}: {}", slowest.0, slowest.1);
    assert!(calls > 10_000 && slowest.0 < Duration::from_secs(20), "{slowest:?}");
}

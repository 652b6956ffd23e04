//! Calls compared with the real `opa`: those of the case files, and generated ones.
//!
//! Each line of `tests/cases/*.txt` is a call with ground arguments. Expectations are not written
//! down: `opa` evaluates all lines in one process. Where it is absent the test says so and passes.

mod support;

use govc_stdlib::{BuiltinError, Cache, Context, Purity, all, lookup};
use govc_value::{Arena, Heap, Kind, SymbolTable, Value};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;
use support::{Nowhere, literal, read_call};

/// Calls whose answers differ from OPA's for a reason given here.
const EXCEPTIONS: &[(&str, &str)] = &[
    ("time.now_ns", "depends on the clock"),
    ("internal.", "not callable from a module"),
    ("print", "has no result"),
    ("rego.", "performed elsewhere"),
    ("opa.runtime", "depends on the host"),
    ("trace", "has no result"),
    ("eq", "an operator of the compiler"),
    ("assign", "an operator of the compiler"),
    ("walk", "has several results"),
    ("bits.lsh", "opa panics on shifts that we refuse"),
    ("numbers.range", "opa runs out of memory where we refuse"),
    ("numbers.range_step", "opa runs out of memory where we refuse"),
];

/// What a call gives: type name and text, an error, or nothing.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Value(String, String),
    Error(String, String),
    Undefined,
}

fn ours(line: &str) -> Option<Answer> {
    let arena = Arena::new(1 << 28);
    let symbols = SymbolTable::default();
    let heap = Heap::new(&arena, &symbols);
    let (name, args) = read_call(line, heap);
    let builtin = lookup(name).unwrap_or_else(|| panic!("`{name}` is not declared"));
    let mut cache = Cache::default();
    let mut world = Nowhere;
    let mut context = Context { heap, cache: &mut cache, world: &mut world };
    match builtin.perform(&mut context, &args) {
        Err(BuiltinError::Unsupported(_)) => None,
        Err(error) => Some(Answer::Error(error.code().to_owned(), format!("{name}: {}", error.text()))),
        Ok(value) => Some(show(value)),
    }
}

fn show(value: Value<'_>) -> Answer {
    if value.is_undefined() {
        return Answer::Undefined;
    }
    let mut text = String::new();
    govc_value::text::write_rego(value, &mut text);
    let kind = match value.kind() {
        Kind::Bool => "boolean".to_owned(),
        kind => format!("{kind:?}").to_lowercase(),
    };
    Answer::Value(kind, format!("[{text}]"))
}

/// A rule per line, each argument hidden from the type checker; v0, which still has the deprecated builtins.
fn module(lines: &[String]) -> String {
    let mut text = String::from("package t\n");
    for (index, line) in lines.iter().enumerate() {
        let open = line.find('(').expect("a call");
        let mut args = Vec::new();
        let arena = Arena::new(1 << 28);
        let symbols = SymbolTable::default();
        let (_, values) = read_call(line, Heap::new(&arena, &symbols));
        for value in values {
            args.push(format!("object.get({{}}, 0, {})", literal(value)));
        }
        let name = &line[..open];
        let args = args.join(", ");
        writeln!(text, r#"r["{index}"] = [type_name(x), sprintf("%v", [[x]])] {{ x := {name}({args}) }}"#)
            .expect("text");
    }
    text
}

fn opa() -> Option<PathBuf> {
    let found = Command::new("opa").arg("version").output().is_ok();
    found.then(|| PathBuf::from("opa"))
}

fn theirs(opa: &PathBuf, lines: &[String], tag: &str) -> BTreeMap<usize, Answer> {
    let path = std::env::temp_dir().join(format!("govc-stdlib-{tag}-{}.rego", std::process::id()));
    std::fs::write(&path, module(lines)).expect("a file");
    let output = Command::new(opa)
        .args(["eval", "-f", "json", "--timeout", "60s", "--show-builtin-errors", "--v0-compatible", "-d"])
        .arg(&path)
        .arg("data.t.r")
        .output()
        .expect("opa runs");
    std::fs::remove_file(&path).expect("the file is ours");
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&output.stderr)));
    collect(&answer)
}

fn collect(answer: &serde_json::Value) -> BTreeMap<usize, Answer> {
    let mut found = BTreeMap::new();
    let results = answer["result"][0]["expressions"][0]["value"].as_object();
    for (index, pair) in results.into_iter().flatten() {
        let text = |i: usize| pair[i].as_str().unwrap_or_default().to_owned();
        found.insert(index.parse().expect("an index"), Answer::Value(text(0), text(1)));
    }
    for error in answer["errors"].as_array().into_iter().flatten() {
        let text = |key: &str| error[key].as_str().unwrap_or_default().to_owned();
        assert!(!text("code").starts_with("rego_"), "{error}");
        let row = error["location"]["row"].as_u64().unwrap_or_else(|| panic!("{error}"));
        let index = usize::try_from(row).expect("a row") - 2;
        found.entry(index).or_insert_with(|| Answer::Error(text("code"), text("message")));
    }
    found
}

/// OPA's strings may hold any bytes; ours are text, as its JSON is.
fn is_not_unicode(answer: &Answer) -> bool {
    let escape = |text: &str| text.split("\\x").skip(1).any(|rest| rest.starts_with(|c| c >= '8'));
    matches!(answer, Answer::Value(_, text) if escape(text))
}

/// Equal, but for what libraries of OPA's say about keys, YAML and ASN.1 after OPA's own words.
fn agree(ours: &Answer, expected: &Answer) -> bool {
    const LIBRARIES: [&str; 3] = ["failed to parse a JWK key (set)", ": yaml: ", ": asn1: "];
    if let (Answer::Error(a, ours), Answer::Error(b, theirs)) = (ours, expected)
        && LIBRARIES.iter().any(|words| ours.contains(words) && theirs.contains(words))
    {
        return a == b;
    }
    ours == expected
}

fn compare(lines: &[String], tag: &str) {
    let Some(opa) = opa() else {
        println!("skipped: no `opa` on the path");
        return;
    };
    let theirs = theirs(&opa, lines, tag);
    let (mut differences, mut compared) = (Vec::new(), 0);
    for (index, line) in lines.iter().enumerate() {
        if std::env::var_os("GOVC_TRACE").is_some() {
            eprintln!("{line}");
        }
        let Some(ours) = ours(line) else { continue };
        let expected = theirs.get(&index).unwrap_or(&Answer::Undefined);
        if is_not_unicode(expected) {
            continue;
        }
        compared += 1;
        if !agree(&ours, expected) {
            differences.push(format!("{line}\n   opa:  {expected:?}\n   govc: {ours:?}"));
        }
    }
    println!("{tag}: {compared} of {} calls compared, {} differ", lines.len(), differences.len());
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn case_files() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).expect("the folder").map(|e| e.expect("an entry").path()).collect();
    files.sort();
    let mut lines = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a case file");
        lines.extend(text.lines().filter(|l| !l.is_empty() && !l.starts_with('#')).map(str::to_owned));
    }
    compare(&lines, "cases");
}

/// A small generator of its own, so that runs are the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % sides
    }
    fn pick<'p>(&mut self, pool: &[&'p str]) -> &'p str {
        pool[self.roll(pool.len())]
    }
}

const NUMBERS: &[&str] = &[
    "0",
    "1",
    "2",
    "3",
    "-1",
    "-7",
    "10",
    "16",
    "1.5",
    "-0.5",
    "2.5",
    "0.1",
    "1.0",
    "1e2",
    "100",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551616",
    "12345678901234567890123",
    "1234567.25",
    "0.000001",
    "3.14159265358979",
    "1e20",
    "1600000000000000000",
];
const STRINGS: &[&str] = &[
    r#""""#,
    r#""a""#,
    r#""abc""#,
    r#""a.b.c""#,
    r#""héllo""#,
    r#""日本語""#,
    r#""  x ""#,
    r#""A-B""#,
    r#""aaa""#,
    r#""b""#,
    r#""1.2.3""#,
    r#""10Ki""#,
    r#""%d %s""#,
    r#""YWJj""#,
    r#""616263""#,
    r#""/""#,
    r#""a b&c=d""#,
    r#""10.0.0.0/24""#,
    r#""192.168.1.1""#,
    r#""2001:db8::/32""#,
    r#""a*""#,
    r#""[a-c]+""#,
    r#""{\"a\": [1, 2]}""#,
    r#""1h30m""#,
    r#""2020-01-02T03:04:05Z""#,
    r#""<x>""#,
    r#""ß""#,
    r#""x\ny""#,
];
const ARRAYS: &[&str] = &[
    "[]",
    "[1, 2, 3]",
    r#"["a", "b"]"#,
    r#"["b", "a", "c"]"#,
    "[[1], [2, [3]]]",
    "[1, 1.0, true]",
    "[null]",
    r#"["a/b", "c"]"#,
    r#"[["a"], "b"]"#,
    "[1.5, 2.5]",
    "[{\"a\": 1}, {\"a\": {\"b\": 2}}]",
    "[true, true]",
];
const SETS: &[&str] = &[
    "set()",
    "{1, 2, 3}",
    r#"{"a", "b"}"#,
    "{1, 2.5}",
    "{{1}, {2}}",
    "{{1, 2}, {2, 3}}",
    r#"{"a", 1}"#,
    "{true}",
];
const OBJECTS: &[&str] = &[
    "{}",
    r#"{"a": 1}"#,
    r#"{"a": {"b": 2, "c": [1, 2]}, "b": 3}"#,
    r#"{"a": "b", "c": "d"}"#,
    "{1: 2, \"x\": null}",
    r#"{"a": ["b"], "b": ["c"], "c": []}"#,
    r#"{"b": {"a": [1]}, "a": 5}"#,
];
const OTHERS: &[&str] = &["null", "true", "false"];

/// A value of a declared type, and now and then of another one.
fn value(dice: &mut Dice, ty: &str) -> String {
    let pools: [(&str, &[&str]); 6] = [
        ("number", NUMBERS),
        ("string", STRINGS),
        ("array", ARRAYS),
        ("set", SETS),
        ("object", OBJECTS),
        ("boolean", OTHERS),
    ];
    let fitting: Vec<_> = pools.iter().filter(|(name, _)| ty.contains(name)).collect();
    let stray = dice.roll(8) == 0 || fitting.is_empty();
    let pool = if stray { pools[dice.roll(pools.len())].1 } else { fitting[dice.roll(fitting.len())].1 };
    dice.pick(pool).to_owned()
}

#[test]
fn generated_calls() {
    let mut dice = Dice(2026);
    let mut lines = Vec::new();
    for builtin in all() {
        let excepted = EXCEPTIONS
            .iter()
            .any(|(name, _)| builtin.name == *name || name.ends_with('.') && builtin.name.starts_with(name));
        if builtin.purity == Purity::Nondeterministic || builtin.call.is_none() || excepted {
            continue;
        }
        for _ in 0..if builtin.args.len() == 1 { 40 } else { 60 } {
            let args: Vec<_> = builtin.args.iter().map(|(_, ty)| value(&mut dice, ty)).collect();
            lines.push(format!("{}({})", builtin.name, args.join(", ")));
        }
    }
    // Go's calendar wraps around where ours refuses.
    lines.retain(|line| !(line.starts_with("time.add_date") && line.contains("922337203685477580")));
    lines.sort();
    lines.dedup();
    compare(&lines, "generated");
}

/// Calls with ground arguments that stand in the modules of OPA's cases.
fn calls_in(text: &str, lines: &mut Vec<String>) {
    for builtin in all() {
        let opening = format!("{}(", builtin.name);
        for (at, _) in text.match_indices(&opening) {
            let before = text[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '.' || c == '_') {
                continue;
            }
            let rest = &text[at..];
            let read = std::panic::catch_unwind(|| {
                let arena = Arena::new(1 << 28);
                let symbols = SymbolTable::default();
                let (_, args) = read_call(rest, Heap::new(&arena, &symbols));
                (args.len() >= builtin.args.len()).then(|| {
                    args[..builtin.args.len()].iter().map(|v| literal(*v)).collect::<Vec<_>>().join(", ")
                })
            });
            if let Ok(Some(args)) = read {
                lines.push(format!("{}({args})", builtin.name));
            }
        }
    }
}

#[test]
fn calls_of_opas_cases() {
    let Some(shared) = support::shared() else {
        println!("skipped: no shared material");
        return;
    };
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let mut lines = Vec::new();
    for folder in std::fs::read_dir(shared.join("opa/cases/v1")).expect("cases").flatten() {
        for file in std::fs::read_dir(folder.path()).into_iter().flatten().flatten() {
            if let Ok(text) = std::fs::read_to_string(file.path()) {
                calls_in(&text, &mut lines);
            }
        }
    }
    std::panic::set_hook(hook);
    lines.retain(|line| {
        !["trace(", "print(", "walk(", "rego.metadata."].iter().any(|name| line.starts_with(name))
    });
    lines.sort();
    lines.dedup();
    compare(&lines, "shared");
}

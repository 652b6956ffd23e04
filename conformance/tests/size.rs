//! What is deep, long or large is answered or refused with an error that names a limit; nothing falls over.
//!
//! The stack is that of the command. A text counts as answered when parsing, checking, planning and a run end.

use govc_compile::opt::Level;
use govc_conformance::front::{Answer, Changes, Subject, answer_subject};
use govc_syntax::{ParseOptions, RegoVersion};
use std::time::{Duration, Instant};

const DEPTH: usize = 10_000;
/// As in `compiler/cli/src/main.rs`.
const STACK: usize = 1 << 30;
/// Far above what is needed; a debug build on a busy machine must stay below.
const PATIENCE: Duration = Duration::from_secs(300);
/// What grows faster than its text is shorter in a debug build.
const SLOW: usize = if cfg!(debug_assertions) { 10 } else { 1 };

fn answer(module: String) -> Answer {
    let subject = Subject {
        options: ParseOptions { version: RegoVersion::V1, ..ParseOptions::default() },
        wrapping_not: false,
        modules: vec![module],
        data: None,
        input: Some("{\"x\": 1}".to_owned()),
        query: "x = data.t.p".to_owned(),
        strict: false,
        now: None,
    };
    answer_subject(&subject, Level::None, &Changes::NONE)
}

/// Answers every module, on the command's stack.
fn all_end(modules: Vec<(String, String)>) {
    let worker = std::thread::Builder::new().stack_size(STACK).spawn(move || {
        for (name, module) in modules {
            let start = Instant::now();
            let answer = format!("{:?}", answer(module));
            println!("{name}: {:?}, {}", start.elapsed(), answer.chars().take(120).collect::<String>());
            assert!(start.elapsed() < PATIENCE, "{name} takes too long");
        }
    });
    worker.expect("a thread").join().expect("no panic");
}

fn nested(open: &str, inner: &str, close: &str) -> String {
    format!("{}{inner}{}", open.repeat(DEPTH), close.repeat(DEPTH))
}

#[test]
fn deep_nesting_ends() {
    let rule = |value: String| format!("package t\n\np := {value}\n");
    let body = |text: String| format!("package t\n\np if {{\n\t{text}\n}}\n");
    let forms = [
        ("arrays", rule(nested("[", "1", "]"))),
        ("objects", rule(nested("{\"a\": ", "1", "}"))),
        ("sets", rule(nested("{", "1", "}"))),
        ("parentheses", rule(nested("(", "1", ")"))),
        ("open brackets", rule("[".repeat(DEPTH))),
        ("open braces", rule("{".repeat(DEPTH))),
        ("open parentheses", rule("(".repeat(DEPTH))),
        ("comprehensions", rule(nested("[x | x := ", "1", "]"))),
        ("set comprehensions", rule(nested("{x | x := ", "1", "}"))),
        ("object comprehensions", rule(nested("{1: x | x := ", "1", "}"))),
        ("calls", rule(nested("abs(", "1", ")"))),
        ("sums", rule(vec!["1"; DEPTH].join(" + "))),
        ("signs", rule(format!("{}1", "- ".repeat(DEPTH)))),
        ("steps", rule(format!("input{}", ".a".repeat(DEPTH)))),
        ("indices", rule(nested("input[", "1", "]"))),
        ("not", body(format!("{}false", "not ".repeat(DEPTH)))),
        ("every", body(nested("every x in [1] { ", "x", " }"))),
        ("templates", rule(nested("$\"{", "1", "}\""))),
        ("else", format!("package t\n\np := 1 if input.y{}\n", " else := 2 if input.y".repeat(DEPTH / SLOW))),
        ("with", body(format!("input.x{}", " with input.x as 1".repeat(DEPTH)))),
        ("statements", body("input.x\n\t".repeat(DEPTH))),
        ("parameters", format!("package t\n\nf({}) := 1\n\np := 1\n", nested("[", "x", "]"))),
    ];
    all_end(forms.into_iter().map(|(name, text)| (name.to_owned(), text)).collect());
}

#[test]
fn deep_logic_ends() {
    let body = |word: &str, text: String| {
        format!("package t\n\nimport future.keywords.{word}\n\np if {{\n\t{text}\n}}\n")
    };
    let forms = [
        ("or", body("or", vec!["input.y"; DEPTH].join(" or "))),
        ("and", body("and", vec!["input.x"; DEPTH].join(" and "))),
        ("negated bodies", body("not", nested("not { ", "false", " }"))),
    ];
    all_end(forms.into_iter().map(|(name, text)| (name.to_owned(), text)).collect());
}

#[test]
fn long_lines_end() {
    const LENGTH: usize = 10 << 20;
    let forms = [
        ("a string", format!("package t\n\np := \"{}\"\n", "x".repeat(LENGTH))),
        ("an array", format!("package t\n\np := [{}1]\n", "1,".repeat(LENGTH / 8 / SLOW))),
        ("a comment", format!("package t # {}\n\np := 1\n", "x".repeat(LENGTH))),
        ("a name", format!("package t\n\n{} := 1\n\np := 1\n", "x".repeat(LENGTH))),
        ("a number", format!("package t\n\np := {}\n", "1".repeat(LENGTH / 100))),
        ("spaces", format!("package t\n\np :={}1\n", " ".repeat(LENGTH))),
        ("no Rego", "%$ ".repeat(LENGTH / 3)),
    ];
    all_end(forms.into_iter().map(|(name, text)| (name.to_owned(), text)).collect());
}

#[test]
fn many_rules_end() {
    let rules = 100_000 / SLOW;
    let mut text = String::from("package t\n\n");
    (0..rules).for_each(|i| text.push_str(&format!("r{i} := {i}\n")));
    text.push_str(&format!("p := r{}\n", rules - 1));
    all_end(vec![("rules".to_owned(), text)]);
}

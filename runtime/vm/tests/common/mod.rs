//! Reads and runs parts of `programs/*.txt`.

use govc_bytecode::Program;
use govc_stdlib::{BuiltinError, World};
use govc_value::{Arena, Heap, Value, json};
use govc_vm::{BuiltinErrors, Image, Limits, Query, Scratch};
use std::time::Duration;

/// One program with its documents.
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) program: String,
    pub(crate) input: Option<String>,
    pub(crate) data: String,
    pub(crate) expected: Answer,
}

/// What a program answers.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Results as JSON.
    Gives(String),
    /// An error code.
    Raises(String),
    /// It is not loaded, or lacks its entrypoint.
    Refused,
}

pub(crate) fn parts(text: &str) -> Vec<Part> {
    text.split("\n\n# ").skip(1).map(part).collect()
}

fn part(text: &str) -> Part {
    let (name, body) = text.split_once('\n').unwrap();
    let field = |word: &str| {
        let line = body.lines().find_map(|l| l.strip_prefix("#? ")?.strip_prefix(word));
        line.map(|l| l.trim().to_owned())
    };
    let expected = match (field("gives"), field("raises")) {
        (Some(results), None) => Answer::Gives(plain(&results)),
        (None, Some(code)) => Answer::Raises(code),
        _ => panic!("{name}: one of `gives` and `raises` is due"),
    };
    Part {
        name: name.to_owned(),
        program: format!("govc-bytecode 1\n{body}"),
        input: field("input"),
        data: field("data").unwrap_or("{}".to_owned()),
        expected,
    }
}

fn plain(text: &str) -> String {
    let arena = Arena::new(1 << 20);
    let heap = Heap::new(&arena, govc_value::SymbolTable::empty());
    json::to_string(json::read(heap, text.as_bytes(), &json::Limits::default()).unwrap())
}

pub(crate) fn answer(program: &Program, part: &Part) -> Answer {
    let data = [(Vec::new(), part.data.clone().into_bytes())];
    let Ok(image) = Image::load(program.clone(), &data) else { return Answer::Refused };
    let Some(entrypoint) = image.entrypoint("main") else { return Answer::Refused };
    let arena = Arena::new(8 << 20);
    let heap = Heap::new(&arena, image.frozen.symbols());
    let input = part.input.as_ref().map_or(Value::UNDEFINED, |text| {
        json::read(heap, text.as_bytes(), &json::Limits::default()).unwrap()
    });
    let limits = Limits { fuel: 50_000, time: Some(Duration::from_secs(60)), memory: 1 << 20 };
    let world = &mut Nothing;
    let builtin_errors = BuiltinErrors::Undefined;
    let query = Query { entrypoint, input, world, limits, builtin_errors, recorded: None };
    match govc_vm::run(&image, &mut Scratch::default(), &arena, query) {
        Ok(outcome) => Answer::Gives(json::to_string(heap.array(&outcome.results))),
        Err(e) => Answer::Raises(e.code.to_owned()),
    }
}

/// A world without anything.
struct Nothing;

impl World for Nothing {
    fn now_ns(&mut self) -> i64 {
        0
    }
    fn call<'q>(&mut self, name: &str, _: Heap<'q>, _: &[Value<'q>]) -> Result<Value<'q>, BuiltinError> {
        Err(BuiltinError::Unsupported(name.to_owned()))
    }
    fn print(&mut self, _: &str, _: &str, _: u32) {}
}

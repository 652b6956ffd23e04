//! A program through our compiler, twice: plain on the VM, and optimized on the VM and as machine code.

use super::faults::Fault;
use super::{Outcome, Program};
use crate::front::{Answer, Changes, Subject, answer_subject};
use govc_compile::opt::Level;
use govc_syntax::ParseOptions;
use govc_value::{Arena, Heap, SymbolTable, Value, json};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What we make of a program; broken where our two ways differ.
pub fn outcome(program: &Program, fault: Option<Fault>) -> Outcome {
    let subject = subject(program);
    let run = |level| {
        let unit = |unit: &mut _| fault.into_iter().for_each(|f| f.plant_in_unit(unit));
        let policy = |policy: &mut _| fault.into_iter().for_each(|f| f.plant_in_policy(policy));
        let changes = Changes { unit: &unit, policy: &policy };
        catch_unwind(AssertUnwindSafe(|| answer_subject(&subject, level, &changes)))
            .map_or_else(|panic| Outcome::Broken(format!("panic: {}", panic_text(&*panic))), read)
    };
    let (plain, optimized) = (run(Level::None), run(Level::Full));
    if plain == optimized {
        return plain;
    }
    Outcome::Broken(format!("plain {plain}, optimized {optimized}"))
}

fn subject(program: &Program) -> Subject {
    Subject {
        options: ParseOptions { version: program.version, ..ParseOptions::default() },
        wrapping_not: false,
        modules: program.modules.clone(),
        data: Some(program.data.to_string()),
        input: program.input.clone(),
        query: program.query.clone(),
        strict: program.strict,
        now: now(),
    }
}

/// OPA has no other time than this, and certificates are valid or not.
fn now() -> Option<i64> {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_nanos()).ok()
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("?").to_owned()
}

fn read(answer: Answer) -> Outcome {
    let codes = |errors: Vec<(String, String)>| errors.into_iter().map(|(code, _)| code);
    match answer {
        Answer::Solutions(rows) => solutions(&rows),
        Answer::Errors("parse" | "check", errors) => Outcome::Refused(codes(errors).collect()),
        Answer::Errors("run", errors)
            if errors.iter().all(|(code, _)| code.starts_with("eval_") && code != "eval_cancel_error") =>
        {
            Outcome::Failed(codes(errors).next().unwrap_or_default())
        }
        Answer::Errors(stage, errors) => Outcome::Broken(format!("{stage}: {errors:?}")),
    }
}

/// Solutions, from the JSON of their bindings.
pub fn solutions(rows: &[String]) -> Outcome {
    let mut rows: Vec<String> = rows.iter().map(|row| canonical(row)).collect();
    rows.sort();
    // OPA's query returns each solution; whether equal ones come twice is not part of the answer.
    rows.dedup();
    Outcome::Solutions(rows)
}

/// A printed value with whole numbers outside of its strings spelled one way: of equal numbers that are spelled
/// otherwise (`0`, `-0`, `0e5`), OPA keeps the one that it met last, and that order is its own.
fn spelled_alike(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut number = String::new();
    let (mut quoted, mut escaped) = (false, false);
    for c in text.chars().chain(['\n']) {
        if !quoted && (c.is_ascii_digit() || c == '-' || !number.is_empty() && ".eE+".contains(c)) {
            number.push(c);
            continue;
        }
        match number.parse::<f64>() {
            Ok(n) if n.fract() == 0.0 && n.abs() < 1e15 => out.push_str(&format!("{}", n as i64)),
            _ => out.push_str(&number),
        }
        number.clear();
        quoted ^= c == '"' && !escaped;
        escaped = quoted && c == '\\' && !escaped;
        out.push(c);
    }
    out.pop();
    out
}

/// A value with the keys of its objects that are spelled as whole numbers spelled one way, for the same reason.
fn keys_alike<'h>(heap: Heap<'h>, value: Value<'h>) -> Value<'h> {
    if let Some(array) = value.as_array() {
        let items: Vec<_> = array.iter().map(|item| keys_alike(heap, item)).collect();
        return heap.array(&items);
    }
    let Some(object) = value.as_object() else { return value };
    let key_alike = |key: Value<'h>| match key.as_str() {
        Some(text) if text.starts_with(|c: char| c == '-' || c.is_ascii_digit()) => {
            heap.string(&spelled_alike(text))
        }
        _ => key,
    };
    let mut pairs: Vec<_> =
        object.iter().map(|(key, value)| (key_alike(key), keys_alike(heap, value))).collect();
    heap.object(&mut pairs)
}

/// Bindings in which equal values are equal texts; `t` is a printed value.
fn canonical(text: &str) -> String {
    let arena = Arena::new(1 << 30);
    let heap = Heap::new(&arena, SymbolTable::empty());
    let row = match json::read(heap, text.as_bytes(), &json::Limits::default()) {
        Ok(row) => row,
        Err(error) => return format!("not JSON ({error}): {text}"),
    };
    let printed = row.as_object().and_then(|row| row.get_str("t").as_str());
    let is_printed = |key: &Value<'_>| printed.is_some() && key.as_str() == Some("t");
    let mut pairs: Vec<_> = row.entries().filter(|(key, _)| !is_printed(key)).collect();
    let mut out = Vec::new();
    json::write_canonical(keys_alike(heap, heap.object(&mut pairs)), &mut out);
    let printed = printed.map(|t| format!(" {}", spelled_alike(t))).unwrap_or_default();
    String::from_utf8_lossy(&out).into_owned() + &printed
}

//! OPA's cases with OPA's own plans: they exercise emitter and VM without our front end.

use crate::cases::Case;
use crate::plan;
use crate::world::SuiteWorld;
use govc_bytecode::Literal;
use govc_value::{Arena, Heap, Value, json};
use govc_vm::{BuiltinErrors, EvalError, Image, Limits, Query, Scratch};

/// What came of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As OPA.
    Pass,
    /// A builtin that is not performed yet.
    Missing(String),
    /// Not as OPA: a short cause, and the details.
    Fail(String, String),
}

/// OPA answers the case with an error.
pub fn expects_error(case: &Case) -> bool {
    case.json("want_error_code").is_some() || case.json("want_error").is_some()
}

fn fail<T>(cause: &str, details: impl ToString) -> Result<T, Verdict> {
    Err(Verdict::Fail(cause.to_owned(), details.to_string()))
}

/// Runs one case on the VM, and again as machine code: loads its plan, emits, verifies, runs, compares. `opa` is the
/// answer of opa where the case is outdated.
pub fn run(case: &Case, opa: Option<&str>) -> Verdict {
    try_run(case, opa).err().unwrap_or(Verdict::Pass)
}

fn try_run(case: &Case, opa: Option<&str>) -> Result<(), Verdict> {
    let policy = plan::read(case.json("plan").unwrap_or("{}"));
    let policy = policy.or_else(|e| fail("plan is not read", e))?;
    let program =
        govc_compile::emit_with(&policy, &plan::locate).or_else(|e| fail("plan is not emitted", e))?;
    let data: Vec<_> = case.json("data").map(|d| (Vec::new(), d.as_bytes().to_vec())).into_iter().collect();
    let image = Image::load(program, &data).or_else(|e| fail("program is not loaded", e))?;
    let names = entrypoints(case);
    names.iter().try_for_each(|name| entrypoint(case, opa, &image, name))?;
    let code = govc_jit::compile(&image).or_else(|e| fail("no machine code is made", e))?;
    if image.install(Box::new(code)).is_err() {
        return fail("machine code is not installed", "");
    }
    names.iter().try_for_each(|name| entrypoint(case, opa, &image, name).map_err(Verdict::of_machine_code))
}

impl Verdict {
    fn of_machine_code(self) -> Self {
        match self {
            Self::Fail(cause, details) => Self::Fail(format!("machine code: {cause}"), details),
            other => other,
        }
    }
}

fn entrypoints(case: &Case) -> Vec<String> {
    case.json("entrypoints").and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

fn entrypoint(case: &Case, opa: Option<&str>, image: &Image, name: &str) -> Result<(), Verdict> {
    let Some(entrypoint) = image.entrypoint(name) else { return fail("no such entrypoint", name) };
    let arena = Arena::new(1 << 30);
    let heap = Heap::new(&arena, image.frozen.symbols());
    let input = input(case, heap).or_else(|e| fail("input is not read", e))?;
    let strict = case.flag("strict_error");
    let builtin_errors = if strict { BuiltinErrors::Strict } else { BuiltinErrors::Undefined };
    let limits = Limits { fuel: 50_000_000, ..Limits::default() };
    let world = &mut SuiteWorld::default();
    let query = Query { entrypoint, input, world, limits, builtin_errors, recorded: None };
    match govc_vm::run(image, &mut Scratch::default(), &arena, query) {
        Ok(outcome) => compare(case, opa, heap, &outcome.results),
        Err(e) => compare_error(case, &e),
    }
}

fn input<'q>(case: &Case, heap: Heap<'q>) -> Result<Value<'q>, String> {
    if let Some(term) = case.text("input_term") {
        return term_value(heap, &term);
    }
    if !case.has("input") {
        return Ok(Value::UNDEFINED);
    }
    let text = case.json("input").unwrap_or("null");
    json::read(heap, text.as_bytes(), &json::Limits::default()).map_err(|e| e.to_string())
}

/// The value of a ground Rego term.
fn term_value<'q>(heap: Heap<'q>, term: &str) -> Result<Value<'q>, String> {
    let line = without_trailing_commas(&term.replace(['\n', '\t'], " "));
    let program = govc_bytecode::text::parse(&format!("govc-bytecode 1\nliteral {line}"));
    let literals = program.map_err(|e| e.to_string())?.literals;
    literals.first().and_then(|l| literal(heap, l)).ok_or("no ground term".to_owned())
}

/// Rego takes a comma behind the last element, the text form of literals does not. No input has one in a text.
fn without_trailing_commas(term: &str) -> String {
    let mut kept = String::with_capacity(term.len());
    for c in term.chars() {
        let bare = kept.trim_end();
        if matches!(c, '}' | ']') && bare.ends_with(',') {
            kept.truncate(bare.len() - 1);
        }
        kept.push(c);
    }
    kept
}

fn literal<'q>(heap: Heap<'q>, l: &Literal) -> Option<Value<'q>> {
    let all = |items: &[Literal]| items.iter().map(|i| literal(heap, i)).collect::<Option<Vec<_>>>();
    Some(match l {
        Literal::Null => Value::null(),
        Literal::Bool(b) => Value::bool(*b),
        Literal::Number(text) => heap.number(text).ok()?,
        Literal::String(text) => heap.string(text),
        Literal::Array(items) => heap.array(&all(items)?),
        Literal::Set(items) => heap.set(&mut all(items)?),
        Literal::Object(entries) => {
            let entry = |(k, v): &(Literal, Literal)| Some((literal(heap, k)?, literal(heap, v)?));
            heap.object(&mut entries.iter().map(entry).collect::<Option<Vec<_>>>()?)
        }
    })
}

fn compare(case: &Case, opa: Option<&str>, heap: Heap<'_>, results: &[Value<'_>]) -> Result<(), Verdict> {
    let Some(want) = case.json("want_plan_result") else {
        let got: Vec<String> = results.iter().map(|&r| json::to_string(r)).collect();
        return fail("a result where OPA has an error", got.join(" "));
    };
    let want = opa.unwrap_or(want);
    let read = |text: &str| json::read(heap, text.as_bytes(), &json::Limits::default());
    let want = read(want).or_else(|e| fail("wanted result is not read", e))?;
    let mut wanted: Vec<Value<'_>> = want.entries().map(|(_, v)| binding(case, heap, v)).collect();
    let mut got = Vec::new();
    for &result in results {
        let plain = read(&json::to_string(result)).or_else(|e| fail("result is no JSON", e))?;
        got.push(binding(case, heap, plain));
    }
    for all in [&mut wanted, &mut got] {
        all.sort();
        all.dedup();
    }
    let texts =
        |values: &[Value<'_>]| values.iter().map(|&v| json::to_string(v)).collect::<Vec<_>>().join(" ");
    if wanted == got {
        return Ok(());
    }
    fail("another result", format!("want {} got {}", texts(&wanted), texts(&got)))
}

/// One binding set; arrays in it are sorted where the case says so.
fn binding<'q>(case: &Case, heap: Heap<'q>, value: Value<'q>) -> Value<'q> {
    if !case.flag("sort_bindings") {
        return value;
    }
    let sorted = |v: Value<'q>| match v.as_array() {
        Some(array) => {
            let mut items = array.as_slice().to_vec();
            items.sort();
            heap.array(&items)
        }
        None => v,
    };
    heap.object(&mut value.entries().map(|(k, v)| (k, sorted(v))).collect())
}

fn compare_error(case: &Case, e: &EvalError) -> Result<(), Verdict> {
    if e.code == "govc_not_yet" {
        return Err(Verdict::Missing(e.message.clone()));
    }
    let (code, text) = (case.text("want_error_code"), case.text("want_error"));
    if code.is_none() && text.is_none() {
        return fail("an error where OPA has a result", e);
    }
    if code.as_deref().is_some_and(|code| code != e.code) {
        return fail("another code", format!("want {} got {e}", code.unwrap_or_default()));
    }
    // The plans were made from files of another name than the cases' texts speak of.
    let got = e.to_string().replace("module-", "test-");
    if text.as_deref().is_some_and(|text| !got.contains(text)) {
        return fail("another message", format!("want {} got {e}", text.unwrap_or_default()));
    }
    Ok(())
}

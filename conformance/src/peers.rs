//! The benchmark workloads on our VM and on regorus, in one process.
//!
//! Every engine gets a compiled program, parsed data and parsed inputs; what it derives from an input does
//! not survive the evaluation. The surprising fact: an engine is timed only after its answers were compared,
//! so a wrong one ends the run.

use crate::world::SuiteWorld;
use govc_compile::opt::Level;
use govc_compile::{CheckOptions, PlanRequest};
use govc_syntax::{ParseOptions, Sources};
use govc_value::{Arena, Heap, Value, json};
use govc_vm::{BuiltinErrors, Image, Limits, Query, Scratch};
use regorus::rvm::vm::RegoVM;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

/// A policy with data and the two inputs that alternate.
#[derive(Clone, Debug)]
pub struct Workload {
    /// `W1` to `W5`.
    pub name: String,
    /// The rule that is asked for, such as `rbac/allow`.
    pub entrypoint: &'static str,
    /// Text of the policy.
    pub policy: String,
    /// Text of the base document.
    pub data: String,
    /// Texts of the inputs.
    pub inputs: [String; 2],
}

/// Entrypoint, and how the second input differs from the first where there is no second file.
const WORKLOADS: &[(&str, &str, &str, (&str, &str))] = &[
    ("W1", "agent/promotion/decision", "input_deny.json", ("", "")),
    ("W2", "rbac/allow", "input_miss.json", ("", "")),
    ("W3", "rules/decision", "input_miss.json", ("", "")),
    ("W4", "admission/violation", "input.json", (":latest", ":stable")),
    ("W5", "join/summary", "input.json", ("d07", "d08")),
];

/// Reads the workloads.
///
/// # Errors
/// When a file is missing.
pub fn workloads(folder: &Path) -> Result<Vec<Workload>, String> {
    WORKLOADS.iter().map(|w| workload(folder, w)).collect()
}

fn workload(
    folder: &Path,
    &(name, entrypoint, second, (from, to)): &(&str, &'static str, &str, (&str, &str)),
) -> Result<Workload, String> {
    let read = |file: &str| {
        let path = folder.join(name).join(file);
        std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))
    };
    let second = read(second)?;
    let second = if from.is_empty() { second } else { second.replace(from, to) };
    Ok(Workload {
        name: name.to_owned(),
        entrypoint,
        policy: read("policy.rego")?,
        data: read("data.json")?,
        inputs: [read("input.json")?, second],
    })
}

/// An engine with a workload loaded.
pub trait Peer {
    /// Its name in the table.
    fn name(&self) -> &'static str;
    /// The answer to an input, as JSON.
    ///
    /// # Errors
    /// What the engine reports.
    fn answer(&mut self, input: usize) -> Result<String, String>;
    /// Evaluates this often, inputs in turn, and gives the time.
    fn time(&mut self, iterations: u32) -> Duration;
}

/// Compiles a workload's policy.
///
/// # Errors
/// The first finding.
pub fn compile(w: &Workload) -> Result<govc_bytecode::Program, String> {
    let mut sources = Sources::default();
    let file = sources.add("policy.rego", w.policy.clone());
    let parsed = govc_syntax::parse_module(file, &w.policy, &ParseOptions::default());
    let first = |all: &[govc_syntax::Diagnostic]| all.first().map(|d| d.message.clone()).unwrap_or_default();
    if !parsed.diagnostics.is_empty() {
        return Err(first(&parsed.diagnostics));
    }
    let checked = govc_compile::check(&sources, &[parsed.tree], &CheckOptions::default());
    if !checked.is_ok() {
        return Err(first(&checked.diagnostics));
    }
    let request = PlanRequest { entrypoints: vec![w.entrypoint.to_owned()], ..PlanRequest::default() };
    let mut policy = govc_compile::plan(&checked.unit, &request).map_err(|d| first(&d))?;
    govc_compile::opt::run(&mut policy, Level::default());
    govc_compile::emit_located(&policy, &sources).map_err(|e| e.to_string())
}

/// Our VM.
pub struct Ours {
    image: Image,
    entrypoint: u32,
    inputs: Arena,
    texts: [String; 2],
    arena: Arena,
    scratch: Scratch,
}

impl Ours {
    /// Compiles and loads a workload.
    ///
    /// # Errors
    /// What the compiler or the loader reports.
    pub fn new(w: &Workload) -> Result<Self, String> {
        let data = vec![(Vec::new(), w.data.as_bytes().to_vec())];
        let image = Image::load(compile(w)?, &data).map_err(|e| e.to_string())?;
        Ok(Self {
            entrypoint: image.entrypoint(w.entrypoint).ok_or("no such entrypoint")?,
            image,
            inputs: Arena::new(1 << 30),
            texts: w.inputs.clone(),
            arena: Arena::new(1 << 30),
            scratch: Scratch::default(),
        })
    }
}

fn parse<'a>(arena: &'a Arena, image: &'a Image, text: &str) -> Value<'a> {
    let heap = Heap::new(arena, image.frozen.symbols());
    json::read(heap, text.as_bytes(), &json::Limits::default()).unwrap_or(Value::UNDEFINED)
}

/// One evaluation: the value of the entrypoint.
fn evaluate<'q>(
    image: &'q Image,
    scratch: &mut Scratch,
    arena: &'q Arena,
    entrypoint: u32,
    input: Value<'q>,
) -> Result<Value<'q>, String> {
    let world = &mut SuiteWorld::default();
    let (limits, builtin_errors) = (Limits::default(), BuiltinErrors::Undefined);
    let query = Query { entrypoint, input, world, limits, builtin_errors, recorded: None };
    let outcome = govc_vm::run(image, scratch, arena, query).map_err(|e| e.to_string())?;
    let result = outcome.results.first().copied().unwrap_or(Value::UNDEFINED);
    Ok(result.as_object().map_or(Value::UNDEFINED, |o| o.values().first().copied().unwrap_or_default()))
}

impl Peer for Ours {
    fn name(&self) -> &'static str {
        "govc VM"
    }

    fn answer(&mut self, input: usize) -> Result<String, String> {
        self.arena.reset();
        let Self { image, entrypoint, inputs, texts, arena, scratch } = self;
        let input = parse(inputs, image, &texts[input]);
        evaluate(image, scratch, arena, *entrypoint, input).map(json::to_string)
    }

    fn time(&mut self, iterations: u32) -> Duration {
        let Self { image, entrypoint, inputs, texts, arena, scratch } = self;
        inputs.reset();
        let parsed = [parse(inputs, image, &texts[0]), parse(inputs, image, &texts[1])];
        let start = Instant::now();
        for i in 0..iterations {
            arena.reset();
            let input = black_box(parsed[(i & 1) as usize]);
            let _ = black_box(evaluate(image, scratch, arena, *entrypoint, input));
        }
        start.elapsed()
    }
}

fn regorus_engine(w: &Workload) -> Result<(regorus::Engine, String, [regorus::Value; 2]), String> {
    let mut engine = regorus::Engine::new();
    engine.add_policy("policy.rego".to_owned(), w.policy.clone()).map_err(|e| e.to_string())?;
    let value = |text: &str| regorus::Value::from_json_str(text).map_err(|e| e.to_string());
    engine.add_data(value(&w.data)?).map_err(|e| e.to_string())?;
    let rule = format!("data.{}", w.entrypoint.replace('/', "."));
    Ok((engine, rule, [value(&w.inputs[0])?, value(&w.inputs[1])?]))
}

/// regorus' interpreter.
pub struct Interpreter {
    engine: regorus::Engine,
    rule: String,
    inputs: [regorus::Value; 2],
}

impl Interpreter {
    /// Loads a workload.
    ///
    /// # Errors
    /// What regorus reports.
    pub fn new(w: &Workload) -> Result<Self, String> {
        let (engine, rule, inputs) = regorus_engine(w)?;
        Ok(Self { engine, rule, inputs })
    }
}

impl Peer for Interpreter {
    fn name(&self) -> &'static str {
        "regorus interpreter"
    }

    fn answer(&mut self, input: usize) -> Result<String, String> {
        self.engine.set_input(self.inputs[input].clone());
        let value = self.engine.eval_rule(self.rule.clone()).map_err(|e| e.to_string())?;
        value.to_json_str().map_err(|e| e.to_string())
    }

    fn time(&mut self, iterations: u32) -> Duration {
        let start = Instant::now();
        for i in 0..iterations {
            self.engine.set_input(black_box(self.inputs[(i & 1) as usize].clone()));
            let _ = black_box(self.engine.eval_rule(self.rule.clone()));
        }
        start.elapsed()
    }
}

/// regorus' register machine.
pub struct Rvm {
    vm: RegoVM,
    inputs: [regorus::Value; 2],
}

impl Rvm {
    /// Compiles and loads a workload.
    ///
    /// # Errors
    /// What regorus reports.
    pub fn new(w: &Workload) -> Result<Self, String> {
        let (mut engine, rule, inputs) = regorus_engine(w)?;
        let data = regorus::Value::from_json_str(&w.data).map_err(|e| e.to_string())?;
        let compiled = engine.compile_with_entrypoint(&rule.as_str().into()).map_err(|e| e.to_string())?;
        let compiler = regorus::languages::rego::compiler::Compiler::compile_from_policy;
        let program = compiler(&compiled, &[rule.as_str()]).map_err(|e| e.to_string())?;
        let mut vm = RegoVM::new();
        vm.load_program(program);
        vm.set_data(data).map_err(|e| e.to_string())?;
        vm.set_max_instructions(usize::MAX);
        Ok(Self { vm, inputs })
    }
}

impl Peer for Rvm {
    fn name(&self) -> &'static str {
        "regorus RVM"
    }

    fn answer(&mut self, input: usize) -> Result<String, String> {
        self.vm.set_input(self.inputs[input].clone());
        self.vm.execute().map_err(|e| e.to_string())?.to_json_str().map_err(|e| e.to_string())
    }

    fn time(&mut self, iterations: u32) -> Duration {
        let start = Instant::now();
        for i in 0..iterations {
            self.vm.set_input(black_box(self.inputs[(i & 1) as usize].clone()));
            let _ = black_box(self.vm.execute());
        }
        start.elapsed()
    }
}

/// All engines with a workload loaded; ours first.
///
/// # Errors
/// What one of them reports.
pub fn peers(w: &Workload) -> Result<Vec<Box<dyn Peer>>, String> {
    Ok(vec![Box::new(Ours::new(w)?), Box::new(Rvm::new(w)?), Box::new(Interpreter::new(w)?)])
}

/// Do all engines answer alike, for both inputs? The answers must also differ between the inputs.
///
/// # Errors
/// The first difference.
pub fn agree(w: &Workload, peers: &mut [Box<dyn Peer>]) -> Result<(), String> {
    for input in 0..w.inputs.len() {
        let mut first: Option<serde_json::Value> = None;
        for peer in peers.iter_mut() {
            let text = peer.answer(input).map_err(|e| format!("{} on {}: {e}", peer.name(), w.name))?;
            let answer: serde_json::Value = serde_json::from_str(&text).map_err(|e| e.to_string())?;
            match &first {
                Some(expected) if *expected != answer => {
                    return Err(format!("{} on {}: {answer} is not {expected}", peer.name(), w.name));
                }
                _ => first = Some(answer),
            }
        }
    }
    Ok(())
}

/// How long a round of one engine should take.
const ROUND: Duration = Duration::from_millis(4);

/// Median time of one evaluation by engine, from interleaved rounds.
pub fn measure(peers: &mut [Box<dyn Peer>], rounds: usize) -> Vec<Duration> {
    let iterations: Vec<u32> = peers.iter_mut().map(|p| iterations(p.as_mut())).collect();
    let mut times = vec![Vec::with_capacity(rounds); peers.len()];
    for _ in 0..rounds {
        for ((peer, &n), times) in peers.iter_mut().zip(&iterations).zip(&mut times) {
            times.push(peer.time(n) / n);
        }
    }
    times.into_iter().map(median).collect()
}

/// Twice at least, so that both inputs occur.
fn iterations(peer: &mut dyn Peer) -> u32 {
    let once = peer.time(2) / 2;
    let once = (peer.time(2) / 2).min(once).max(Duration::from_nanos(50));
    (ROUND.as_nanos() / once.as_nanos()).clamp(2, 1 << 20) as u32 & !1
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

//! Examples and workloads, decided by us, by regorus and by the real `opa`: three answers, one value.

use govc_compile::opt::Level;
use govc_conformance::pipeline::{StillWorld, compile};
use govc_conformance::{cases, opa, peers, repository, shared, skip};
use govc_syntax::RegoVersion;
use govc_value::{Arena, Heap, SymbolTable, Value, json};
use govc_vm::{BuiltinErrors, Image, Limits, Query, Scratch};
use std::path::{Path, PathBuf};

/// A policy with base documents and inputs, and the rule that is asked for.
struct Subject {
    name: String,
    entrypoint: String,
    modules: Vec<(String, String)>,
    /// Documents with their place under `data`.
    data: Vec<String>,
    inputs: Vec<String>,
}

impl Subject {
    fn rule(&self) -> String {
        format!("data.{}", self.entrypoint.replace('/', "."))
    }
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn example(name: &str) -> Subject {
    let folder = repository().join("examples").join(name);
    let about: serde_json::Value =
        serde_json::from_str(&read(&folder.join("example.json"))).expect("example.json");
    let texts = |sub: &str, kind: &str| -> Vec<(String, String)> {
        let files = cases::files(&folder.join(sub), &[kind]);
        files.into_iter().map(|f| (f.display().to_string(), read(&f))).collect()
    };
    let only_texts = |sub: &str| texts(sub, "json").into_iter().map(|(_, text)| text).collect();
    Subject {
        name: name.to_owned(),
        entrypoint: about["entrypoint"].as_str().expect("entrypoint").to_owned(),
        modules: texts("policy", "rego")
            .into_iter()
            .filter(|(name, _)| !name.ends_with("_test.rego"))
            .collect(),
        data: only_texts("data"),
        inputs: only_texts("inputs"),
    }
}

fn workload_subjects() -> Vec<Subject> {
    let Some(folder) = shared("workloads") else {
        println!("skipped: no workloads (GOVC_SHARED or ../shared)");
        return Vec::new();
    };
    let all = peers::workloads(&folder).expect("the workloads are whole");
    all.into_iter()
        .map(|w| Subject {
            name: w.name,
            entrypoint: w.entrypoint.to_owned(),
            modules: vec![("policy.rego".to_owned(), w.policy)],
            data: vec![w.data],
            inputs: w.inputs.into(),
        })
        .collect()
}

fn subjects() -> Vec<Subject> {
    [example("agent-promotion"), example("tool-access")].into_iter().chain(workload_subjects()).collect()
}

/// A JSON text in which equal values are equal texts.
fn canonical(text: &str) -> String {
    let arena = Arena::new(1 << 30);
    let heap = Heap::new(&arena, SymbolTable::empty());
    let value = json::read(heap, text.as_bytes(), &json::Limits::default()).expect("answers are JSON");
    let mut out = Vec::new();
    json::write_canonical(value, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

/// Our answers, by input; an undefined one is `undefined`.
fn ours(subject: &Subject, level: Level) -> Vec<String> {
    let modules: Vec<(&str, &str)> = subject.modules.iter().map(|(n, t)| (n.as_str(), t.as_str())).collect();
    let program = compile(&modules, RegoVersion::V1, &[&subject.entrypoint], level)
        .unwrap_or_else(|found| panic!("{}: {}", subject.name, found.join("\n")));
    let data: Vec<(Vec<String>, Vec<u8>)> =
        subject.data.iter().map(|text| (Vec::new(), text.clone().into_bytes())).collect();
    let image = Image::load(program, &data).expect("the image loads");
    subject.inputs.iter().map(|input| answer(&image, &subject.entrypoint, input)).collect()
}

fn answer(image: &Image, entrypoint: &str, input: &str) -> String {
    let arena = Arena::new(1 << 30);
    let heap = Heap::new(&arena, image.frozen.symbols());
    let query = Query {
        entrypoint: image.entrypoint(entrypoint).expect("planned"),
        input: json::read(heap, input.as_bytes(), &json::Limits::default()).expect("inputs are JSON"),
        world: &mut StillWorld,
        limits: Limits::default(),
        builtin_errors: BuiltinErrors::Undefined,
        recorded: None,
    };
    let outcome = govc_vm::run(image, &mut Scratch::default(), &arena, query).expect("no error");
    let row = outcome.results.first().copied().unwrap_or(Value::UNDEFINED);
    match row.as_object().map(|o| o.get_str("result")) {
        Some(result) if !result.is_undefined() => canonical(&json::to_string(result)),
        _ => "undefined".to_owned(),
    }
}

fn regorus_answers(subject: &Subject) -> Vec<String> {
    let mut engine = regorus::Engine::new();
    for (name, text) in &subject.modules {
        engine.add_policy(name.clone(), text.clone()).expect("regorus parses it");
    }
    for text in &subject.data {
        engine.add_data_json(text).expect("regorus reads it");
    }
    let inputs = subject.inputs.iter();
    inputs
        .map(|input| {
            engine.set_input_json(input).expect("regorus reads it");
            match engine.eval_rule(subject.rule()).expect("regorus evaluates it") {
                regorus::Value::Undefined => "undefined".to_owned(),
                value => canonical(&value.to_json_str().expect("JSON")),
            }
        })
        .collect()
}

fn opa_answers(opa: &Path, subject: &Subject) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |name: String, text: &str| -> PathBuf {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        path
    };
    let mut arguments: Vec<PathBuf> = Vec::new();
    for (i, (_, text)) in subject.modules.iter().enumerate() {
        arguments.push(write(format!("policy-{i}.rego"), text));
    }
    for (i, text) in subject.data.iter().enumerate() {
        arguments.push(write(format!("data-{i}.json"), text));
    }
    let inputs = subject.inputs.iter().enumerate();
    inputs
        .map(|(i, input)| {
            let input = write(format!("input-{i}.json"), input);
            let mut command = std::process::Command::new(opa);
            command.args(["eval", "--format", "json", "-i"]).arg(input);
            arguments.iter().for_each(|a| {
                command.arg("-d").arg(a);
            });
            let output = command.arg(subject.rule()).output().expect("opa runs");
            opa_value(&output.stdout)
        })
        .collect()
}

fn opa_value(stdout: &[u8]) -> String {
    let answer: serde_json::Value = serde_json::from_slice(stdout).expect("opa prints JSON");
    match answer["result"][0]["expressions"][0].get("value") {
        Some(value) => canonical(&value.to_string()),
        None => "undefined".to_owned(),
    }
}

#[test]
fn optimization_changes_no_answer() {
    for subject in subjects() {
        assert_eq!(ours(&subject, Level::None), ours(&subject, Level::Full), "{}", subject.name);
    }
}

#[test]
fn regorus_answers_as_we_do() {
    for subject in subjects() {
        assert_eq!(ours(&subject, Level::Full), regorus_answers(&subject), "{} (ours left)", subject.name);
        println!("{}: {} inputs agree", subject.name, subject.inputs.len());
    }
}

#[test]
fn opa_answers_as_we_do() {
    let Some(opa) = opa() else { skip!("no opa on the path") };
    for subject in subjects() {
        assert_eq!(ours(&subject, Level::Full), opa_answers(&opa, &subject), "{} (ours left)", subject.name);
        println!("{}: {} inputs agree", subject.name, subject.inputs.len());
    }
}

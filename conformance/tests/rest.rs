//! The REST API: the same requests to `opa run -s` and `govc run -s`. Status, headers that matter and body must be
//! equal, with times, ids, versions and our own codes masked; exceptions stand in `gaps.toml`.

use flate2::Compression;
use flate2::write::GzEncoder;
use govc_conformance::requests::{Request, Response, Script, Served};
use govc_conformance::{gaps, govc, opa, repository};
use regex::Regex;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Requests that there must be at least.
const WANTED: usize = 250;

/// Headers whose values must be equal.
const HEADERS: &[&str] =
    &["content-type", "location", "allow", "vary", "content-encoding", "x-content-type-options"];

fn scripts() -> Vec<(String, PathBuf)> {
    let folder = repository().join("conformance/tests/rest");
    let entries = std::fs::read_dir(&folder).expect("the scripts are part of the checkout");
    let mut found: Vec<(String, PathBuf)> = entries
        .flatten()
        .map(|entry| (entry.file_name().to_string_lossy().replace(".txt", ""), entry.path()))
        .collect();
    found.sort();
    found
}

fn compress(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory takes all");
    encoder.finish().expect("memory takes all")
}

/// What differs between two runs of one server, and what is ours alone.
fn mask(text: &str) -> String {
    static MASKS: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
        let masks = [
            (r#"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"#, "ID"),
            (r#""(timer_[a-z_]*_ns)":( ?)\d+"#, r#""$1":${2}0"#),
            (r#""version":( ?)"[^"]*""#, r#""version":${1}"V""#),
            // What OPA's store takes to read; nothing here waits for a store.
            (r#""timer_rego_external_resolve_ns":( ?)\d+,\s*"#, ""),
            // Variables that the author gave no name.
            (r#""\$\d+""#, r#""$N""#),
            (r"__local\d+__", "__localN__"),
            (r#",?\s*"govc_code":\s*"[^"]*""#, ""),
            // OPA's words for the parameters of builtins: ours have names and types.
            (r#""description":\s*"(?:[^"\\]|\\.)*",\s*"(name|dynamic|of|static)""#, "\"$1\""),
        ];
        masks.map(|(pattern, with)| (Regex::new(pattern).expect("a pattern"), with)).into()
    });
    MASKS.iter().fold(text.to_owned(), |text, (mask, with)| mask.replace_all(&text, *with).into_owned())
}

/// An answer as it is held against another.
fn shown(request: &Request, response: &Response) -> String {
    let mut out = format!("{}\n", response.status);
    for name in HEADERS {
        let value = response.header(name);
        if !value.is_empty() {
            out.push_str(&format!("{name}: {value}\n"));
        }
    }
    let body = match response.header("content-encoding") {
        "gzip" => gunzip(&response.body),
        _ => String::from_utf8_lossy(&response.body).into_owned(),
    };
    let target = request.line.split(' ').nth(1).unwrap_or_default();
    let body = match target {
        _ if response.header("content-type").starts_with("text/plain; version") => metrics(&body),
        "/metrics/alloc_bytes" | "/metrics/alloc_bytes?pretty=true" => String::new(),
        _ if response.header("content-type").starts_with("text/html") && target == "/" => String::new(),
        _ if target.contains("explain=") && !target.contains("pretty") => without_order(&mask(&body)),
        _ if target.contains("instrument") => without_instruments(&mask(&body)),
        _ if target.starts_with("/v1/policies") && request.line.starts_with("GET") => sorted(&mask(&body)),
        _ if response.status == 400 => ordered(&mask(&body)),
        _ => mask(&body),
    };
    out + &body
}

/// Of several errors OPA tells in no order.
fn ordered(body: &str) -> String {
    let Ok(mut json) = serde_json::from_str::<serde_json::Value>(body) else { return body.to_owned() };
    let errors = json.get("errors").and_then(|errors| errors.as_array()).map_or(0, Vec::len);
    let mut lines: Vec<&str> = json["message"].as_str().unwrap_or_default().lines().collect();
    if errors < 2 && lines.len() < 3 {
        return body.to_owned();
    }
    lines.sort_unstable();
    json["message"] = lines.join("\n").into();
    if let Some(errors) = json.get_mut("errors").and_then(|errors| errors.as_array_mut()) {
        errors.sort_by_key(ToString::to_string);
    }
    json.to_string()
}

/// The list of policies has no order in OPA.
fn sorted(body: &str) -> String {
    let Ok(mut json) = serde_json::from_str::<serde_json::Value>(body) else { return body.to_owned() };
    if let Some(list) = json["result"].as_array_mut() {
        list.sort_by_key(|policy| policy["id"].to_string());
        return json.to_string();
    }
    body.to_owned()
}

/// The names of what both count.
fn metrics(text: &str) -> String {
    let ours = text.lines().filter(|line| line.starts_with("http_request_duration_seconds"));
    let names = ours.map(|line| line.split(' ').next().unwrap_or_default());
    let shown = |name: &&str| name.contains("_count") || name.contains("le=\"0.01\"");
    names.filter(shown).collect::<Vec<_>>().join("\n")
}

/// The variables of an event have no order in OPA.
fn without_order(text: &str) -> String {
    let Ok(mut json) = serde_json::from_str::<serde_json::Value>(text) else { return text.to_owned() };
    let events = json.get_mut("explanation").and_then(|events| events.as_array_mut());
    for event in events.into_iter().flatten() {
        if let Some(locals) = event.get_mut("locals").and_then(|locals| locals.as_array_mut()) {
            locals.sort_by_key(ToString::to_string);
        }
    }
    json.to_string()
}

/// What only the evaluator of OPA can tell of itself.
fn without_instruments(text: &str) -> String {
    let Ok(mut json) = serde_json::from_str::<serde_json::Value>(text) else { return text.to_owned() };
    if let Some(metrics) = json["metrics"].as_object_mut() {
        metrics.retain(|name, _| !name.contains("_eval_op_") && !name.contains("_stage_"));
    }
    json.to_string()
}

fn gunzip(bytes: &[u8]) -> String {
    let mut text = String::new();
    let read = std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(bytes), &mut text);
    read.map_or_else(|error| error.to_string(), |_| text)
}

/// Runs a script on one server.
fn run(binary: &Path, script: &Script) -> Result<Vec<String>, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    for (name, content) in &script.files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap_or(folder.path())).map_err(|error| error.to_string())?;
        std::fs::write(path, content).map_err(|error| error.to_string())?;
    }
    let served = Served::start(binary, &script.args, folder.path())?;
    let send = |request: &Request| {
        let answer = request.send(served.address, compress);
        answer.map_or_else(|error| format!("{}: {error}", request.line), |response| shown(request, &response))
    };
    Ok(script.requests.iter().map(send).collect())
}

/// The lines of two answers, without the long part that they share at the end.
fn difference(theirs: &str, ours: &str) -> String {
    let mut lines: [Vec<&str>; 2] = [theirs.lines().collect(), ours.lines().collect()];
    while lines[0].len().min(lines[1].len()) > 1 && lines[0].last() == lines[1].last() {
        lines.iter_mut().for_each(|lines| {
            lines.pop();
        });
    }
    let [theirs, ours] = lines.map(|lines| lines.join("\n"));
    format!("opa:\n{theirs}\ngovc:\n{ours}\n")
}

type Found = Vec<(String, Result<(), String>)>;

fn compare(name: &str, path: &Path, opa: &Path, ours: &Path) -> Found {
    let text = std::fs::read_to_string(path).expect("a script");
    let script = Script::read(&text);
    let answers = [opa, ours].map(|binary| run(binary, &script));
    let [theirs, ours] = match answers {
        [Ok(theirs), Ok(ours)] => [theirs, ours],
        [theirs, ours] => {
            let why = [theirs.err(), ours.err()].into_iter().flatten().collect::<Vec<_>>().join("; ");
            return vec![(format!("{name}: start"), Err(why))];
        }
    };
    let mut found = Found::new();
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for ((request, theirs), ours) in script.requests.iter().zip(theirs).zip(ours) {
        let nth = seen.entry(&request.line).or_default();
        *nth += 1;
        let case = format!("{name}: {} #{nth}", request.line);
        let same = theirs == ours;
        found.push((case, if same { Ok(()) } else { Err(difference(&theirs, &ours)) }));
    }
    found
}

#[test]
fn answers_are_those_of_opa() {
    let Some(opa) = opa() else {
        println!("skipped: no opa on this machine");
        return;
    };
    let ours = govc();
    let only = std::env::var("REST_SCRIPT").ok();
    let mut scripts = scripts();
    scripts.retain(|(name, _)| only.as_ref().is_none_or(|only| name.contains(only.as_str())));
    let next = AtomicUsize::new(0);
    let found: Found = std::thread::scope(|scope| {
        let work = || {
            let mut found = Found::new();
            while let Some((name, path)) = scripts.get(next.fetch_add(1, Relaxed)) {
                found.extend(compare(name, path, &opa, &ours));
            }
            found
        };
        let threads: Vec<_> = (0..3).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("no script panics")).collect()
    });
    let count = found.len();
    let judged = gaps::judge_named("rest", &found, only.is_none());
    println!("{} of {count} requests are answered as opa answers them", judged.passed);
    assert!(judged.untrue.is_empty(), "{} differ:\n\n{}", judged.untrue.len(), judged.untrue.join("\n"));
    assert!(only.is_some() || count >= WANTED, "{count} requests, and {WANTED} are wanted");
}

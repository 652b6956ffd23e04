//! `bench --e2e`: measures requests to a server that runs in a process beside this one.
//!
//! The surprising fact: what is measured here is the way there and back; the server tells its own times in its answers.

use super::{Bench, Question};
use crate::measure::{self, Sample};
use crate::problem::Problem;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long the server may take until it answers.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server, and what it is asked.
pub(super) struct Server {
    process: Child,
    agent: ureq::Agent,
    url: String,
    body: Vec<u8>,
}

/// One failure as the answer to all.
fn failed(why: impl std::fmt::Display) -> Vec<Problem> {
    vec![Problem::plain(why.to_string())]
}

impl Server {
    /// Starts a server, and waits until it answers.
    pub(super) fn start(args: &Bench, question: &Question) -> Result<Self, Vec<Problem>> {
        let (path, body) = request(args, question)?;
        // The port is free now; the server takes it a moment later.
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let address = free.map_err(failed)?;
        let process = command(args, &address.to_string())?.spawn().map_err(failed)?;
        let config = ureq::Agent::config_builder().http_status_as_error(false).build();
        let metrics = if args.metrics { "?metrics=true" } else { "" };
        let url = format!("http://{address}/v1/{path}{metrics}");
        let mut server = Self { process, agent: config.new_agent(), url, body };
        server.wait(&format!("http://{address}/health"))?;
        Ok(server)
    }

    fn wait(&mut self, health: &str) -> Result<(), Vec<Problem>> {
        let started = Instant::now();
        while self.agent.get(health).call().is_err() {
            if let Some(status) = self.process.try_wait().map_err(failed)? {
                return Err(failed(format!("the server has ended: {status}")));
            }
            if started.elapsed() > PATIENCE {
                return Err(failed("unable to bind a port for bench testing"));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Measures: the requests first, without a name, then what the server tells, by the names of its timers.
    pub(super) fn measure(&self, args: &Bench) -> Result<Vec<(String, Sample)>, Vec<Problem>> {
        let mut told: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        // The first request compiles; what it costs is not what requests cost.
        self.ask()?;
        let sample = measure::again(|| {
            let answer = self.ask()?;
            if args.fail && is_undefined(args, &answer) {
                return Err(failed("undefined result"));
            }
            for (name, value) in answer["metrics"].as_object().into_iter().flatten() {
                told.entry(name.clone()).or_default().extend(value.as_u64());
            }
            Ok(())
        })?;
        let told = told.into_iter().map(|(name, times)| (name, Sample::of(times)));
        Ok(std::iter::once((String::new(), sample)).chain(told).collect())
    }

    fn ask(&self) -> Result<Json, Vec<Problem>> {
        let request = self.agent.post(&self.url).header("content-type", "application/json");
        let mut response = request.send(&self.body[..]).map_err(failed)?;
        let status = response.status().as_u16();
        let text = response.body_mut().read_to_vec().map_err(failed)?;
        let answer: Json = serde_json::from_slice(&text).map_err(failed)?;
        match (status, answer["errors"].as_array()) {
            (200, _) => Ok(answer),
            (_, Some(errors)) => Err(errors.iter().map(problem).collect()),
            _ => {
                let why = answer["message"].as_str().unwrap_or_default();
                Err(failed(format!("request failed, OPA server replied with HTTP {status}: {why}")))
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill().and_then(|()| self.process.wait());
    }
}

fn command(args: &Bench, address: &str) -> Result<Command, Vec<Problem>> {
    let mut command = Command::new(std::env::current_exe().map_err(failed)?);
    command.args(["run", "--server", "--log-level", "error", "--skip-verify", "--addr", address]);
    if !args.bundle.is_empty() {
        command.arg("--bundle");
    }
    if args.language.v0_compatible {
        command.arg("--v0-compatible");
    }
    args.config_file.iter().for_each(|file| {
        command.args(["--config-file", file]);
    });
    args.ignore.iter().for_each(|pattern| {
        command.args(["--ignore", pattern]);
    });
    command.args(args.data.iter().chain(&args.bundle)).stdin(Stdio::null());
    Ok(command)
}

/// What is asked, below `/v1`: a document, a query, or what is left of a query.
fn request(args: &Bench, question: &Question) -> Result<(String, Vec<u8>), Vec<Problem>> {
    let input = question.input.as_deref().map(serde_json::from_str).transpose().map_err(failed)?;
    let mut body = json!({ "input": input.unwrap_or_else(|| json!({})) });
    let query = &question.query;
    let path = match () {
        () if args.partial => {
            body["unknowns"] = json!(args.unknowns);
            "compile".to_owned()
        }
        () if query.starts_with("data.") => query.replace('.', "/"),
        () => "query".to_owned(),
    };
    if matches!(path.as_str(), "compile" | "query") {
        body["query"] = json!(query);
    }
    Ok((path, body.to_string().into_bytes()))
}

fn is_undefined(args: &Bench, answer: &Json) -> bool {
    match args.partial {
        true => answer["result"]["queries"].as_array().is_none_or(Vec::is_empty),
        false => answer["result"].is_null(),
    }
}

/// An error as a server tells it.
fn problem(error: &Json) -> Problem {
    let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
    let number = |name: &str| error["location"][name].as_u64().and_then(|n| usize::try_from(n).ok());
    let location = number("row").zip(number("col")).map(|(row, col)| crate::problem::Location {
        file: error["location"]["file"].as_str().unwrap_or_default().to_owned(),
        row,
        col,
    });
    Problem { location, ..Problem::coded(&text("code"), text("message")) }
}

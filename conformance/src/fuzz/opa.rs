//! The real `opa`, asked as a server: it compiles each program alone and says how each query ended.
//!
//! One server for each version of the language; both keep the last program until the next one takes its place.

use super::{Outcome, Program, ours};
use govc_syntax::RegoVersion;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::time::Duration;

/// Servers that start when they are first asked.
pub struct Opa {
    binary: PathBuf,
    v0: Option<Server>,
    v1: Option<Server>,
    /// The last complaint, as opa wrote it.
    pub complaint: String,
}

struct Server {
    process: Child,
    port: u16,
    agent: ureq::Agent,
    data: Rc<str>,
    modules: usize,
    asked: usize,
    complaint: String,
}

/// A server grows with what it was asked; after so many programs another one takes its place.
const PROGRAMS_OF_ONE_SERVER: usize = 20_000;

impl Opa {
    /// With the binary.
    pub fn new(binary: &Path) -> Self {
        Self { binary: binary.to_owned(), v0: None, v1: None, complaint: String::new() }
    }

    /// What opa makes of a program.
    pub fn outcome(&mut self, program: &Program) -> Outcome {
        let is_v0 = program.version == RegoVersion::V0;
        let place = if is_v0 { &mut self.v0 } else { &mut self.v1 };
        if place.as_ref().is_none_or(|server| server.asked > PROGRAMS_OF_ONE_SERVER) {
            *place = None;
        }
        let server = match place {
            Some(server) => server,
            None => match Server::start(&self.binary, is_v0) {
                Ok(server) => place.insert(server),
                Err(error) => return Outcome::Broken(format!("opa does not start: {error}")),
            },
        };
        match server.outcome(program) {
            Ok(outcome) => {
                self.complaint = std::mem::take(&mut server.complaint);
                outcome
            }
            Err(error) => {
                *place = None;
                Outcome::Broken(error.to_string())
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

type Asked<T> = Result<T, Box<dyn std::error::Error>>;

impl Server {
    fn start(binary: &Path, v0: bool) -> Asked<Self> {
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let mut command = Command::new(binary);
        command.args(["run", "-s", "--log-level", "error", "--disable-telemetry", "--addr"]);
        command.arg(format!("127.0.0.1:{port}"));
        if v0 {
            command.arg("--v0-compatible");
        }
        let process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(30)))
            .build();
        let agent = config.into();
        let mut server = Server {
            process,
            port,
            agent,
            data: "{}".into(),
            modules: 0,
            asked: 0,
            complaint: String::new(),
        };
        for _ in 0..200 {
            if server.send("GET", "/health", "").is_ok() {
                return Ok(server);
            }
            std::thread::sleep(Duration::from_millis(25));
        }
        server.send("GET", "/health", "")?;
        Ok(server)
    }

    fn send(&mut self, method: &str, path: &str, body: &str) -> Asked<(u16, String)> {
        let url = format!("http://127.0.0.1:{}{path}", self.port);
        let request = ureq::http::Request::builder().method(method).uri(url).body(body.to_owned())?;
        let mut answer = self.agent.run(request)?;
        let text = answer.body_mut().with_config().limit(1 << 30).read_to_string()?;
        Ok((answer.status().as_u16(), text))
    }

    fn outcome(&mut self, program: &Program) -> Asked<Outcome> {
        self.asked += 1;
        if self.data != program.data {
            self.forget(0)?;
            let (status, answer) = self.send("PUT", "/v1/data", &program.data)?;
            if status >= 300 {
                return Ok(Outcome::Broken(answer));
            }
            self.data = program.data.clone();
        }
        self.forget(program.modules.len())?;
        // A module may need one that comes later.
        let mut pending: Vec<usize> = (0..program.modules.len()).collect();
        while !pending.is_empty() {
            let before = pending.len();
            let mut refused = None;
            let mut left = Vec::new();
            for &i in &pending {
                let (status, answer) = self.send("PUT", &format!("/v1/policies/{i}"), &program.modules[i])?;
                self.modules = self.modules.max(i + 1);
                if status >= 300 {
                    refused = Some(answer);
                    left.push(i);
                }
            }
            pending = left;
            if let Some(answer) = refused.filter(|_| pending.len() == before) {
                self.forget(0)?;
                if before > 1 {
                    // Perhaps each needs the other; a server takes one at a time.
                    return Ok(Outcome::Broken("several modules are refused".to_owned()));
                }
                self.complaint = answer;
                return Ok(refusal(&self.complaint));
            }
        }
        if program.strict { self.ask_strictly(program) } else { self.ask(program) }
    }

    /// Removes all modules after the first so many; where there is more than one, all of them: the old ones of
    /// a program must not meet the new.
    fn forget(&mut self, keep: usize) -> Asked<()> {
        let keep = if keep > 1 { 0 } else { keep };
        let mut left: Vec<usize> = (keep..self.modules).collect();
        self.modules = self.modules.min(keep);
        while !left.is_empty() {
            let before = left.len();
            let mut kept = Vec::new();
            for i in left {
                // A module that others need cannot go before them.
                let (status, _) = self.send("DELETE", &format!("/v1/policies/{i}"), "")?;
                if status == 400 {
                    kept.push(i);
                }
            }
            if kept.len() == before {
                return Err("opa keeps modules that were to be removed".into());
            }
            left = kept;
        }
        Ok(())
    }

    fn ask(&mut self, program: &Program) -> Asked<Outcome> {
        let query = serde_json::to_string(&program.query)?;
        let input = program.input.as_ref().map(|i| format!(",\"input\":{i}")).unwrap_or_default();
        let (status, answer) = self.send("POST", "/v1/query", &format!("{{\"query\":{query}{input}}}"))?;
        if status >= 300 {
            self.complaint = answer;
            return Ok(failure(&self.complaint));
        }
        let document: BTreeMap<String, Box<RawValue>> = serde_json::from_str(&answer)?;
        let rows: Vec<Box<RawValue>> = match document.get("result") {
            Some(rows) => serde_json::from_str(rows.get())?,
            None => Vec::new(),
        };
        Ok(ours::solutions(&rows.iter().map(|row| row.get().to_owned()).collect::<Vec<_>>()))
    }

    /// Only this endpoint knows of strict errors; the query is `x = data.a.b`.
    fn ask_strictly(&mut self, program: &Program) -> Asked<Outcome> {
        let path = program.query.trim_start_matches("x = ").replace('.', "/");
        let body = program.input.as_ref().map(|i| format!("{{\"input\":{i}}}")).unwrap_or("{}".to_owned());
        let path = format!("/v1/{path}?strict-builtin-errors=true");
        let (status, answer) = self.send("POST", &path, &body)?;
        if status >= 300 {
            self.complaint = answer;
            return Ok(failure(&self.complaint));
        }
        let document: BTreeMap<String, Box<RawValue>> = serde_json::from_str(&answer)?;
        let rows = document.get("result").map(|value| format!("{{\"x\":{}}}", value.get()));
        Ok(ours::solutions(&rows.into_iter().collect::<Vec<_>>()))
    }
}

fn codes(answer: &str) -> Vec<String> {
    let document: Value = serde_json::from_str(answer).unwrap_or(Value::Null);
    let errors = document["errors"].as_array().cloned().unwrap_or_default();
    errors.iter().map(|e| e["code"].as_str().unwrap_or_default().to_owned()).collect()
}

fn refusal(answer: &str) -> Outcome {
    let codes = codes(answer);
    if codes.is_empty() {
        Outcome::Broken(answer.to_owned())
    } else {
        Outcome::Refused(codes.into_iter().collect())
    }
}

/// The query was refused, or its evaluation failed.
fn failure(answer: &str) -> Outcome {
    let codes = codes(answer);
    match codes.first() {
        Some(code) if code.starts_with("eval_") => Outcome::Failed(code.clone()),
        Some(_) => Outcome::Refused(codes.into_iter().collect()),
        None => Outcome::Broken(answer.to_owned()),
    }
}

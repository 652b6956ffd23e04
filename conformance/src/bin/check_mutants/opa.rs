//! What OPA finds in a mutant: from a process of `opa check` for each, or from one program that is asked again and again.

use crate::{Finding, Mutant, comparable};
use govc_syntax::RegoVersion;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Who answers for OPA.
pub(crate) enum Opa {
    /// The command, with a folder for the files of a mutant.
    Command {
        path: PathBuf,
        scratch: PathBuf,
    },
    Program(Program),
}

/// A program that reads a line for each mutant, `{"version": "v0" | "v1", "strict": BOOL, "modules": [TEXT, ...]}`, and
/// answers each with a line, `{"errors": [...], "text": "..."}`: what `opa check` prints for files `0.rego`, `1.rego`, ...,
/// once as JSON and once as text; `{}` for nothing.
pub(crate) struct Program {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Opa {
    /// The program given, else `opa` on the path; nothing where that is absent.
    pub(crate) fn find(program: Option<&String>) -> Result<Option<Opa>> {
        if let Some(program) = program {
            return Ok(Some(Opa::Program(Program::start(program)?)));
        }
        let Some(path) = govc_conformance::opa() else { return Ok(None) };
        let scratch = std::env::temp_dir().join(format!("govc-check-mutants-{}", std::process::id()));
        std::fs::create_dir_all(&scratch)?;
        Ok(Some(Opa::Command { path, scratch }))
    }

    /// OPA's errors, in its order.
    pub(crate) fn findings(&mut self, mutant: &Mutant) -> Result<Vec<Finding>> {
        match self {
            Opa::Command { path, scratch } => findings_of_command(path, scratch, mutant),
            Opa::Program(program) => program.findings(mutant),
        }
    }
}

impl Drop for Opa {
    fn drop(&mut self) {
        // What is left behind lies in the system's own folder for that.
        let _ = match self {
            Opa::Command { scratch, .. } => std::fs::remove_dir_all(scratch),
            Opa::Program(program) => program.child.kill().and_then(|()| program.child.wait().map(drop)),
        };
    }
}

impl Program {
    fn start(path: &str) -> Result<Program> {
        let mut child = Command::new(path).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (Some(questions), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("the program has no input and output".into());
        };
        Ok(Program { child, questions, answers: BufReader::new(answers) })
    }

    fn findings(&mut self, mutant: &Mutant) -> Result<Vec<Finding>> {
        let version = if mutant.version == RegoVersion::V0 { "v0" } else { "v1" };
        let question = json!({"version": version, "strict": mutant.strict, "modules": mutant.modules});
        writeln!(self.questions, "{question}")?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        let answer: Value = serde_json::from_str(&answer)?;
        let mut found = findings(&answer);
        add_details(&mut found, answer["text"].as_str().unwrap_or_default());
        Ok(found)
    }
}

fn findings_of_command(opa: &Path, scratch: &Path, mutant: &Mutant) -> Result<Vec<Finding>> {
    let mut command = Command::new(opa);
    command.args(["check", "--format", "json"]).current_dir(scratch);
    if mutant.version == RegoVersion::V0 {
        command.arg("--v0-compatible");
    }
    if mutant.strict {
        command.arg("--strict");
    }
    for (i, text) in mutant.modules.iter().enumerate() {
        std::fs::write(scratch.join(format!("{i}.rego")), text)?;
        command.arg(format!("{i}.rego"));
    }
    let json = output(&mut command)?;
    let mut found = findings(&serde_json::from_slice(&json).unwrap_or(Value::Null));
    if found.iter().any(|f| f.0 == "rego_type_error") {
        // Details are lines of text only in the other format.
        let text = String::from_utf8_lossy(&output(command.args(["--format", "pretty"]))?).into_owned();
        add_details(&mut found, &text);
    }
    Ok(found)
}

fn output(command: &mut Command) -> std::io::Result<Vec<u8>> {
    let output = command.output()?;
    Ok(if output.stdout.is_empty() { output.stderr } else { output.stdout })
}

fn findings(document: &Value) -> Vec<Finding> {
    document["errors"].as_array().into_iter().flatten().map(finding).collect()
}

/// Appends to each message the lines that follow it in OPA's text.
fn add_details(found: &mut [Finding], text: &str) {
    let mut lines = text.lines().peekable();
    let mut at = 0;
    while let Some(line) = lines.next() {
        let Some(finding) = found.get_mut(at) else { return };
        if !line.ends_with(finding.3.lines().last().unwrap_or_default()) || finding.3.contains('\n') {
            continue;
        }
        while let Some(detail) = lines.next_if(|l| l.starts_with('\t')) {
            finding.3 = format!("{}\n{detail}", finding.3);
        }
        at += 1;
    }
}

fn finding(error: &Value) -> Finding {
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let number = |v: &Value| v.as_u64().unwrap_or(0) as usize;
    let location = &error["location"];
    (
        text(&error["code"]),
        number(&location["row"]),
        number(&location["col"]),
        comparable(text(&error["message"])),
    )
}

//! Agent-Safe's own tests: policy tests in YAML, and ticket cases.

use super::decide::{Pdp, lines};
use super::request::Request;
use super::{Compat, world};
use crate::problem::Problem;
use govc_governance::ticket::TicketGate;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

/// One policy test.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct PolicyTest {
    pub(crate) name: String,
    pub(super) action: String,
    #[serde(default)]
    pub(super) target: Option<String>,
    #[serde(default)]
    pub(super) caller: Option<String>,
    #[serde(default)]
    pub(super) params: Option<Map<String, Value>>,
    #[serde(default)]
    pub(super) ticket_id: Option<String>,
    expect: Expected,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Expected {
    Allow,
    Deny,
    RequireApproval,
}

impl Expected {
    fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::RequireApproval => "require_approval",
        }
    }
}

#[derive(Deserialize)]
struct PolicyTests {
    tests: Vec<PolicyTest>,
}

/// What became of a policy test.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) file: PathBuf,
    pub(crate) name: String,
    /// Where it failed: what was expected, what was decided and why.
    pub(crate) failure: Option<String>,
}

/// Runs the policy tests of files, and of the YAML files in folders.
pub(crate) fn policy_tests(
    folder: &Path,
    compat: Compat,
    paths: &[String],
) -> Result<Vec<Outcome>, Vec<Problem>> {
    let mut pdp = Pdp::new(folder, compat)?;
    let mut outcomes = Vec::new();
    for path in paths {
        let path = Path::new(path);
        let files = if path.is_dir() { world::yaml_files(path) } else { Ok(vec![path.to_owned()]) };
        for file in files.map_err(|problem| vec![problem])? {
            let tests: PolicyTests = world::read(&file, compat).map_err(|problem| vec![problem])?;
            outcomes.extend(tests.tests.iter().map(|test| test.run(&mut pdp, &file)));
        }
    }
    Ok(outcomes)
}

impl PolicyTest {
    fn run(&self, pdp: &mut Pdp, file: &Path) -> Outcome {
        let decision = pdp.decide(&Request::of_test(self), 0.0);
        let text = |name: &str| decision.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (expected, given) = (self.expect.name(), text("result"));
        let failure =
            (given != expected).then(|| format!("expected {expected}, got {given}: {}", text("reason")));
        Outcome { file: file.to_owned(), name: self.name.clone(), failure }
    }
}

/// One or more uses of a ticket at one gate.
#[derive(Deserialize)]
struct TicketCase {
    name: Value,
    key: String,
    token: String,
    #[serde(flatten)]
    single: Use,
    #[serde(default)]
    sequence: Option<Vec<Use>>,
}

#[derive(Deserialize)]
struct Use {
    #[serde(default)]
    expected_action: Option<String>,
    #[serde(default)]
    expected_target: Option<String>,
}

/// Shows each ticket of a file to a gate of its own; hands each verdict to `tell`.
pub(crate) fn tickets(path: &str, mut tell: impl FnMut(&Value)) -> Result<(), Problem> {
    for line in lines(path)? {
        let verdict = match serde_json::from_str::<TicketCase>(&line) {
            Ok(case) => case.verdict(),
            Err(error) => json!({"valid": false, "reason": format!("the case cannot be read: {error}")}),
        };
        tell(&verdict);
    }
    Ok(())
}

impl TicketCase {
    fn verdict(&self) -> Value {
        let gate = match TicketGate::new(self.key.as_bytes()) {
            Ok(gate) => gate,
            Err(error) => return json!({"name": self.name, "valid": false, "reason": error.to_string()}),
        };
        match &self.sequence {
            None => {
                let mut verdict = shown(&gate, &self.token, &self.single);
                verdict.insert("name".to_owned(), self.name.clone());
                Value::Object(verdict)
            }
            Some(uses) => {
                let verdicts: Vec<_> = uses.iter().map(|used| shown(&gate, &self.token, used)).collect();
                json!({"name": self.name, "sequence": verdicts})
            }
        }
    }
}

fn shown(gate: &TicketGate, token: &str, used: &Use) -> Map<String, Value> {
    let (action, target) = (used.expected_action.as_deref(), used.expected_target.as_deref());
    let (valid, reason) = match gate.redeem(token, action, target, jiff::Timestamp::now().as_second()) {
        Ok(_) => (true, "Ticket is valid".to_owned()),
        Err(error) => (false, error.to_string()),
    };
    Map::from_iter([("valid".to_owned(), json!(valid)), ("reason".to_owned(), json!(reason))])
}

//! Decides requests: the library says what the rules say, rates and cumulative risk say the rest.

use super::request::{Proofs, Request};
use super::{Compat, world};
use crate::files::{self, Loaded};
use crate::problem::Problem;
use crate::run::query::{Ask, Asker};
use crate::run::{self, Rules};
use crate::world::Terminal;
use govc_compile::PlanRequest;
use govc_governance::Principal;
use govc_governance::rates::{Breaker, RateLimiter, RateLimits, Window};
use govc_governance::risk::{Accumulated, Escalation, RiskClass, RiskLimits, RiskTracker};
use govc_syntax::ParseOptions;
use govc_vm::Image;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::io::BufRead;
use std::path::Path;

const LIBRARY: &str = include_str!("../../../../stdlib/rego/agent_safe/agent_safe.rego");
const DECISION: &str = "govc/agent_safe/decision";

/// Decides for one world.
pub(super) struct Pdp {
    image: Image,
    asker: Asker,
    proofs: Proofs,
    rates: Option<RateLimiter>,
    risks: Option<RiskTracker>,
}

impl Pdp {
    pub(super) fn new(folder: &Path, compat: Compat) -> Result<Self, Vec<Problem>> {
        let data = world::load(folder, compat).map_err(|problem| vec![problem])?;
        Ok(Self {
            image: compile(&data)?,
            asker: Asker::default(),
            proofs: Proofs::from_environment(compat).map_err(|problem| vec![problem])?,
            rates: None,
            risks: None,
        })
    }

    /// Begins a sequence: nothing that was counted before matters.
    fn begin(&mut self, sequence: &Sequence) {
        self.rates = sequence.rate_limit.as_ref().map(|limits| RateLimiter::new(limits.limits()));
        self.risks = sequence.cumulative_risk.clone().map(RiskTracker::new);
    }

    /// The decision on a request at a time of the sequence's clock. Whatever fails is a denial.
    pub(super) fn decide(&mut self, request: &Request, at: f64) -> Map<String, Value> {
        let mut decision = match self.by_rules(request) {
            Ok(decision) => decision,
            Err(why) => return denial(&why),
        };
        let caller = self.proofs.principal(request);
        let caller = caller.as_ref();
        if let Some(Err(away)) = self.rates.as_ref().map(|rates| rates.admit(caller, at)) {
            put(&mut decision, [("result", json!("deny")), ("reason", json!(away.to_string()))]);
            put(&mut decision, [("policy_matched", Value::Null), ("escalated_from", Value::Null)]);
            put(&mut decision, nothing_accumulated());
            return decision;
        }
        put(&mut decision, nothing_accumulated());
        put(&mut decision, [("escalated_from", Value::Null)]);
        self.escalate(&mut decision, caller, at);
        if let Some(rates) = self.rates.as_ref().filter(|_| decision.get("result") == Some(&json!("deny"))) {
            rates.denied(caller, at);
        }
        decision
    }

    fn by_rules(&mut self, request: &Request) -> Result<Map<String, Value>, String> {
        let input = request.input(&self.proofs)?;
        let ask = Ask { input: Some(input.to_string()), ..Ask::default() };
        let answer = self.asker.ask(&self.image, DECISION, &ask, &mut Terminal::new());
        let answer = answer.map_err(|problem| problem.message)?;
        let result = answer.results.first().ok_or("the library gave no decision")?;
        let mut result: Map<String, Value> =
            serde_json::from_str(result).map_err(|error| error.to_string())?;
        match result.remove("result") {
            Some(Value::Object(decision)) => Ok(decision),
            _ => Err("the library gave no decision".to_owned()),
        }
    }

    fn escalate(&self, decision: &mut Map<String, Value>, caller: Option<&Principal>, at: f64) {
        let result = decision.get("result").cloned().unwrap_or_default();
        let (Some(risks), false) = (&self.risks, result == "deny") else { return };
        let risk = decision.get("effective_risk").cloned().unwrap_or_default();
        // A class that cannot be read is the worst.
        let risk: RiskClass = serde_json::from_value(risk).unwrap_or(RiskClass::Critical);
        let sum = risks.add(caller, risk, at);
        put(
            decision,
            [("cumulative_risk_score", json!(sum.score)), ("cumulative_risk_class", json!(sum.class))],
        );
        let limits = risks.limits();
        let (new, text, threshold) = match sum.escalation {
            Escalation::Deny => ("deny", "Cumulative risk threshold exceeded", limits.deny_threshold),
            Escalation::Approval if result == "allow" => {
                ("require_approval", "Escalated by cumulative risk", limits.escalation_threshold)
            }
            _ => return,
        };
        let Accumulated { score, .. } = sum;
        let original = decision.get("reason").and_then(Value::as_str).unwrap_or_default();
        let reason = format!("{text} ({score} >= {threshold}). Original: {original}");
        put(decision, [("result", json!(new)), ("reason", json!(reason)), ("escalated_from", result)]);
    }
}

fn put<const N: usize>(decision: &mut Map<String, Value>, members: [(&str, Value); N]) {
    decision.extend(members.map(|(name, value)| (name.to_owned(), value)));
}

fn nothing_accumulated() -> [(&'static str, Value); 2] {
    [("cumulative_risk_score", Value::Null), ("cumulative_risk_class", Value::Null)]
}

/// A denial of what could not be decided at all.
fn denial(why: &str) -> Map<String, Value> {
    let mut decision = Map::new();
    let unknown = ["policy_matched", "ticket_id", "escalated_from"].map(|name| (name, Value::Null));
    put(&mut decision, unknown);
    put(&mut decision, nothing_accumulated());
    put(&mut decision, [("result", json!("deny")), ("reason", json!(why)), ("ticket_issued", json!(false))]);
    put(
        &mut decision,
        [("action", Value::Null), ("target", json!("unknown")), ("caller", json!("anonymous"))],
    );
    put(&mut decision, [("risk_class", json!("critical")), ("effective_risk", json!("critical"))]);
    decision
}

/// The library over the data of a world.
fn compile(data: &Value) -> Result<Image, Vec<Problem>> {
    let mut loaded = Loaded::default();
    let file = loaded.sources.add("govc/agent_safe.rego", LIBRARY);
    loaded.modules.push(govc_syntax::parse_module(file, LIBRARY, &ParseOptions::default()).tree);
    let text =
        serde_json::value::to_raw_value(data).map_err(|error| vec![Problem::plain(error.to_string())])?;
    loaded.documents.merge(&[], text).map_err(|_| vec![Problem::plain("the world is no object")])?;
    let request = PlanRequest { entrypoints: vec![DECISION.to_owned()], ..PlanRequest::default() };
    let policy =
        run::check(&loaded, Rules::default(), |checked, _| run::plan(&checked, &request, &loaded.sources))?;
    run::image(run::emit(&policy, &loaded.sources)?, &loaded)
}

/// Requests that follow each other under limits.
#[derive(Deserialize)]
struct Sequence {
    id: Value,
    #[serde(default)]
    rate_limit: Option<RateConfig>,
    #[serde(default)]
    cumulative_risk: Option<RiskLimits>,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    /// Seconds of a clock of its own.
    t: f64,
    request: Request,
}

/// Limits as Agent-Safe's settings write them.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RateConfig {
    max_requests: usize,
    window_seconds: f64,
    circuit_breaker_threshold: usize,
    circuit_breaker_window_seconds: f64,
    circuit_breaker_cooldown_seconds: f64,
}

impl Default for RateConfig {
    fn default() -> Self {
        Self {
            max_requests: 100,
            window_seconds: 60.0,
            circuit_breaker_threshold: 0,
            circuit_breaker_window_seconds: 60.0,
            circuit_breaker_cooldown_seconds: 300.0,
        }
    }
}

impl RateConfig {
    fn limits(&self) -> RateLimits {
        let breaker = Breaker {
            denials: self.circuit_breaker_threshold,
            seconds: self.circuit_breaker_window_seconds,
            cooldown: self.circuit_breaker_cooldown_seconds,
        };
        RateLimits {
            windows: vec![Window { requests: self.max_requests, seconds: self.window_seconds }],
            breaker: (breaker.denials > 0).then_some(breaker),
        }
    }
}

/// The lines of a file that are not blank, each read on its own: what is wrong with one says nothing of the next.
pub(super) fn lines(path: &str) -> Result<Vec<String>, Problem> {
    let file = std::fs::File::open(path).map_err(|error| files::io_problem("open", path, &error))?;
    let lines: Result<Vec<String>, _> = std::io::BufReader::new(file).lines().collect();
    let mut lines = lines.map_err(|error| files::io_problem("read", path, &error))?;
    lines.retain(|line| !line.trim().is_empty());
    Ok(lines)
}

/// Hands each line of a file to `decide`, with what decides for a world.
fn each_line(
    folder: &Path,
    compat: Compat,
    path: &str,
    mut decide: impl FnMut(&mut Pdp, &str),
) -> Result<(), Vec<Problem>> {
    let mut pdp = Pdp::new(folder, compat)?;
    for line in lines(path).map_err(|problem| vec![problem])? {
        decide(&mut pdp, &line);
    }
    Ok(())
}

/// The member `id` of a line that can at least be read as JSON.
fn id_of(line: &str) -> Value {
    serde_json::from_str::<Value>(line).ok().and_then(|line| line.get("id").cloned()).unwrap_or_default()
}

#[derive(Deserialize)]
struct Asked {
    request: Request,
}

/// Decides each line `{"id", "request"}` of a file; hands each answer `{"id", "decision"}` to `tell`.
pub(crate) fn requests(
    folder: &Path,
    compat: Compat,
    path: &str,
    mut tell: impl FnMut(&Value),
) -> Result<(), Vec<Problem>> {
    each_line(folder, compat, path, |pdp, line| {
        let mut decision = match serde_json::from_str::<Asked>(line) {
            Ok(asked) => pdp.decide(&asked.request, 0.0),
            Err(error) => denial(&format!("the request cannot be read: {error}")),
        };
        // An execution ticket goes with what is allowed.
        let allowed = decision.get("result") == Some(&json!("allow"));
        put(&mut decision, [("ticket_issued", json!(allowed))]);
        tell(&json!({"id": id_of(line), "decision": decision}));
    })
}

/// Decides each line of a file of sequences; hands each answer `{"id", "decisions"}` to `tell`.
pub(crate) fn sequences(
    folder: &Path,
    compat: Compat,
    path: &str,
    mut tell: impl FnMut(&Value),
) -> Result<(), Vec<Problem>> {
    each_line(folder, compat, path, |pdp, line| {
        let answer = match serde_json::from_str::<Sequence>(line) {
            Ok(sequence) => {
                pdp.begin(&sequence);
                let decisions = sequence.steps.iter().map(|step| {
                    let mut decision = pdp.decide(&step.request, step.t);
                    put(&mut decision, [("ticket_issued", json!(false))]);
                    decision
                });
                json!({"decisions": decisions.collect::<Vec<_>>(), "id": sequence.id})
            }
            Err(error) => {
                let why = format!("the sequence cannot be read: {error}");
                json!({"decisions": [denial(&why)], "id": id_of(line)})
            }
        };
        tell(&answer);
    })
}

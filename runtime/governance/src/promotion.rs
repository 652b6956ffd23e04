//! Promotion of an agent from sandbox to governed.
//!
//! A policy decides on the request; when it allows, the decision is signed as a proof that names the specification and the
//! policies. The surprising fact: what the proof holds is the whole request, so that anyone with the bundle can decide again.

use crate::code::DecisionCode;
use crate::spec::{AgentSpec, SpecError};
use govc_engine::proof::{PROMOTION_V1, Proof, ProofError, Subject};
use govc_engine::{Decision, Host, Limits, Policy, Query, Scratch, SigningKey};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

/// Who asks for the promotion of which agent.
#[derive(Clone, Debug)]
pub struct PromotionRequest {
    spec: AgentSpec,
    actor: String,
    role: String,
    input: Vec<u8>,
}

impl PromotionRequest {
    /// A request from its parts. The policy's input is `{actorId, actorRole, agent, orgLimits}`.
    ///
    /// # Errors
    /// When it cannot be written as JSON, which no specification that was read can cause.
    pub fn new(spec: AgentSpec, actor: &str, role: &str, org_limits: &Value) -> Result<Self, SpecError> {
        #[derive(serde::Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Input<'a> {
            actor_id: &'a str,
            actor_role: &'a str,
            agent: &'a RawValue,
            org_limits: &'a Value,
        }
        let input = Input { actor_id: actor, actor_role: role, agent: spec.raw(), org_limits };
        let input = serde_json::to_vec(&input).map_err(|e| SpecError::Json(e.to_string()))?;
        Ok(Self { spec, actor: actor.to_owned(), role: role.to_owned(), input })
    }

    /// A request from a document: the policy's input with the members `actorId`, `actorRole`, `agent` and `orgLimits`.
    ///
    /// # Errors
    /// When it is not a JSON object, or its `agent` is not.
    pub fn from_json(text: &[u8]) -> Result<Self, SpecError> {
        let request = AgentSpec::from_json(text)?;
        let spec = AgentSpec::from_spec_or_request(text)?;
        if !matches!(request.get("agent"), Some(Value::Object(_))) {
            return Err(SpecError::NotAnObject);
        }
        let text_of = |name| request.text(name).unwrap_or_default().to_owned();
        Ok(Self { spec, actor: text_of("actorId"), role: text_of("actorRole"), input: text.to_vec() })
    }

    /// The agent's specification.
    pub fn spec(&self) -> &AgentSpec {
        &self.spec
    }

    /// Who asks.
    pub fn actor(&self) -> &str {
        &self.actor
    }

    /// In which role.
    pub fn role(&self) -> &str {
        &self.role
    }

    /// The policy's input.
    pub fn input(&self) -> &[u8] {
        &self.input
    }
}

/// The answer to a request for promotion.
#[derive(Clone, Debug)]
#[must_use]
#[non_exhaustive]
pub struct Promotion {
    /// [`DecisionCode::PromotionSuccess`] or [`DecisionCode::PromotionDenied`].
    pub code: DecisionCode,
    /// Why not.
    pub failures: Vec<String>,
    /// Why not, in stable codes: the policy's own where it gives `codes`, else `POLICY_DENIED`.
    pub codes: Vec<String>,
    /// What the policy decided; absent when it was not asked.
    pub decision: Option<Decision>,
    /// The envelope of the proof, when it succeeded.
    pub proof: Option<String>,
}

impl Promotion {
    /// Did it succeed?
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.code == DecisionCode::PromotionSuccess
    }

    pub(crate) fn denied(code: &str, why: String, decision: Option<Decision>) -> Self {
        let (failures, codes) = (vec![why], vec![code.to_owned()]);
        Self { code: DecisionCode::PromotionDenied, failures, codes, decision, proof: None }
    }

    /// What the policy did not allow.
    fn refused(decision: Decision) -> Self {
        let (failures, codes) = (reasons_of(&decision), codes_of(&decision));
        Self { code: DecisionCode::PromotionDenied, failures, codes, decision: Some(decision), proof: None }
    }
}

/// `{decision, code, failures}`; the proof goes its own way.
impl Serialize for Promotion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("decision", if self.is_success() { "ALLOW" } else { "DENY" })?;
        map.serialize_entry("code", &self.code)?;
        map.serialize_entry("failures", &self.failures)?;
        map.end()
    }
}

/// What a promotion is decided and signed with.
pub struct Authority<'a> {
    /// The policies.
    pub policy: &'a Policy,
    /// The entrypoint that decides.
    pub entrypoint: &'a str,
    /// The key that signs the proof.
    pub key: &'a SigningKey,
    /// The world of the decision.
    pub host: &'a dyn Host,
    /// Its limits.
    pub limits: Limits,
    /// Now, in seconds since 1970; goes into the proof as `signed_at`.
    pub now: i64,
}

impl Authority<'_> {
    /// The name of the key that signs, else its fingerprint.
    pub(crate) fn name(&self) -> &str {
        let public = self.key.verifying_key();
        public.id().or(public.fingerprint()).unwrap_or("default")
    }
}

/// A time as proofs hold it; `null` beyond the calendar.
pub(crate) fn signed_at(seconds: i64) -> Value {
    jiff::Timestamp::from_second(seconds).map_or(Value::Null, |time| Value::String(time.to_string()))
}

/// Decides on a promotion and, when it is allowed, makes the proof. Nothing is stored; see
/// [`store::promote`](crate::store::promote) for that.
pub fn decide(authority: &Authority<'_>, request: &PromotionRequest) -> Promotion {
    let query = Query::new(authority.entrypoint)
        .input_json(request.input())
        .host(authority.host)
        .limits(authority.limits);
    let decision = authority.policy.decide(&mut Scratch::new(), &query);
    if !decision.is_allow() {
        return Promotion::refused(decision);
    }
    match prove(authority, request, &decision) {
        Ok(proof) => Promotion {
            code: DecisionCode::PromotionSuccess,
            failures: Vec::new(),
            codes: Vec::new(),
            decision: Some(decision),
            proof: Some(proof),
        },
        Err(error) => Promotion::denied(error.code(), error.to_string(), Some(decision)),
    }
}

/// Why a policy did not allow, in words; never nothing.
pub(crate) fn reasons_of(decision: &Decision) -> Vec<String> {
    match decision.reasons() {
        [] => vec![format!("the policy says {}", decision.effect())],
        reasons => reasons.to_vec(),
    }
}

/// The codes that a policy gives beside its reasons.
fn codes_of(decision: &Decision) -> Vec<String> {
    #[derive(serde::Deserialize)]
    struct Codes {
        codes: Vec<String>,
    }
    let error = decision.error().map(|error| error.code().to_owned());
    let given = decision.result_as::<Codes>().map(|result| result.codes).unwrap_or_default();
    match error {
        Some(error) => vec![error],
        None if given.is_empty() => vec!["POLICY_DENIED".to_owned()],
        None => given,
    }
}

fn prove(
    authority: &Authority<'_>,
    request: &PromotionRequest,
    decision: &Decision,
) -> Result<String, ProofError> {
    let spec = request.spec();
    Proof::of(decision, Some(request.input()))?
        .stating(PROMOTION_V1, details(authority, request))
        .about(Subject::sha256("agent-spec", spec.digest()))
        .sign(authority.key)
}

/// The promotion in the words of the tables that hold it.
fn details(authority: &Authority<'_>, request: &PromotionRequest) -> Map<String, Value> {
    let spec = request.spec();
    let details = json!({
        "agent_id": spec.get("agentId").cloned().unwrap_or(Value::Null),
        "workspace_id": spec.get("workspaceId").cloned().unwrap_or(Value::Null),
        "policy_decision": "PASS",
        "policy_hash": authority.policy.policy_hash(),
        "spec_hash": spec.digest(),
        "authority": authority.name(),
        "signed_at": signed_at(authority.now),
        "actor": {"id": request.actor(), "role": request.role()},
    });
    match details {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

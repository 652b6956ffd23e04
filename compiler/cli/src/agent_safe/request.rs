//! A request, brought into the form that the library reads: the caller proved, the time read, every parameter with the name
//! of its type.
//!
//! The surprising fact: hour and weekday are those of the clock that wrote the timestamp, whatever its offset.

use super::{Compat, python};
use crate::problem::Problem;
use govc_engine::proof::SECRET_BYTES;
use govc_engine::{Algorithm, VerifyingKey};
use govc_governance::Principal;
use govc_governance::token::TokenRules;
use jiff::civil::DateTime;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// The variable that holds the key of identity tokens.
const KEY_VARIABLE: &str = "GOVC_IDENTITY_KEY";
const ISSUER: &str = "agent-safe";

/// What somebody wants to do.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Request {
    action: String,
    #[serde(default)]
    target: Option<String>,
    #[serde(default)]
    caller: Option<Caller>,
    #[serde(default)]
    params: Option<Map<String, Value>>,
    #[serde(default)]
    timestamp: Option<String>,
    #[serde(default)]
    ticket_id: Option<String>,
}

/// Who wants it.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Caller {
    /// A name that nobody has proved.
    Bare { agent_id: String },
    /// Claims that somebody else has proved.
    Identity(Identity),
    /// A token. Claims beside it are not read.
    Token { token: String },
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Identity {
    agent_id: String,
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    delegation_chain: Vec<Link>,
    #[serde(default)]
    delegation_depth: i64,
}

#[derive(Clone, Debug, Deserialize)]
struct Link {
    agent_id: String,
}

impl Request {
    /// What a policy test asks: its caller is a bare name.
    pub(super) fn of_test(case: &super::cases::PolicyTest) -> Self {
        Self {
            action: case.action.clone(),
            target: case.target.clone(),
            caller: case.caller.clone().map(|agent_id| Caller::Bare { agent_id }),
            params: case.params.clone(),
            timestamp: None,
            ticket_id: case.ticket_id.clone(),
        }
    }

    /// `input` of the library.
    pub(super) fn input(&self, proofs: &Proofs) -> Result<Value, String> {
        let caller = self.caller.as_ref().map(|caller| {
            let (kind, identity) = proofs.identity(caller);
            let chain: Vec<&String> = identity.delegation_chain.iter().map(|link| &link.agent_id).collect();
            json!({
                "kind": kind, "agent_id": identity.agent_id, "roles": identity.roles, "groups": identity.groups,
                "delegation_chain": chain, "delegation_depth": identity.delegation_depth,
            })
        });
        let parameters = self.params.iter().flatten().map(|(name, value)| {
            let described = json!({"value": value, "kind": python::kind(value), "text": python::text(value)});
            (name.clone(), described)
        });
        let time = time(self.timestamp.as_deref())?;
        Ok(json!({
            "action": self.action,
            "target": self.target,
            "caller": caller,
            "params": parameters.collect::<Map<_, _>>(),
            "time": {"hour": time.hour(), "weekday": time.weekday().to_monday_zero_offset()},
            "ticket_id": self.ticket_id,
        }))
    }
}

/// The time as its own clock shows it; the time of this machine in UTC where none is given.
fn time(given: Option<&str>) -> Result<DateTime, String> {
    match given {
        None => Ok(jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).datetime()),
        Some(text) => {
            let bare = text.strip_suffix(['Z', 'z']).unwrap_or(text);
            bare.parse().map_err(|error| format!("timestamp `{text}` cannot be read: {error}"))
        }
    }
}

/// What proves who a caller is.
#[derive(Debug)]
pub(super) struct Proofs {
    /// Absent without a key: then no token is believed.
    tokens: Option<TokenRules>,
    now: i64,
    compat: Compat,
}

impl Proofs {
    /// With the key that the environment holds.
    ///
    /// # Errors
    /// When it is shorter than its digest in strict mode: whoever guesses it makes tokens (RFC 7518, section 3.2).
    pub(super) fn from_environment(compat: Compat) -> Result<Self, Problem> {
        let key = std::env::var(KEY_VARIABLE).ok();
        if compat == Compat::Strict && key.as_ref().is_some_and(|key| key.len() < SECRET_BYTES) {
            let text = format!("{KEY_VARIABLE} must have at least {SECRET_BYTES} bytes");
            return Err(Problem::coded("govc_agent_safe_key", text));
        }
        let key = key.filter(|key| !key.is_empty());
        let key = key.and_then(|key| VerifyingKey::from_secret(key.as_bytes()).only(Algorithm::Hs256).ok());
        let claims = ["agent_id", "iss", "iat", "exp"];
        let tokens = key.map(|key| TokenRules::new(key, Algorithm::Hs256, ISSUER, &claims));
        Ok(Self { tokens, now: jiff::Timestamp::now().as_second(), compat })
    }

    /// Who asks, as far as it was proved. Agent-Safe believes every name.
    pub(super) fn principal(&self, request: &Request) -> Option<Principal> {
        let (kind, identity) = self.identity(request.caller.as_ref()?);
        let believed = self.compat == Compat::AgentSafe || matches!(kind, "identity" | "token");
        believed.then(|| Principal::verified_elsewhere(identity.agent_id, None))
    }

    fn identity(&self, caller: &Caller) -> (&'static str, Identity) {
        let unproved = |name: &str| Identity { agent_id: name.to_owned(), ..Identity::default() };
        match caller {
            Caller::Bare { agent_id } => ("bare", unproved(agent_id)),
            Caller::Identity(identity) => ("identity", identity.clone()),
            Caller::Token { token } => self.claims(token).map_or_else(
                || ("invalid_token", unproved(self.stranger(token))),
                |proved| ("token", proved),
            ),
        }
    }

    /// What a caller is called whose token is not believed: the token itself is no business of a log.
    fn stranger<'t>(&self, token: &'t str) -> &'t str {
        match self.compat {
            Compat::Strict => "anonymous",
            Compat::AgentSafe => token,
        }
    }

    fn claims(&self, token: &str) -> Option<Identity> {
        let claims = self.tokens.as_ref()?.verify(token, self.now).ok()?;
        serde_json::from_value(Value::Object(claims)).ok()
    }
}

//! Receivers behind HTTP.
//!
//! The surprising fact: the caller makes the agent, because it knows which certificates it trusts and how long it
//! waits.

use crate::outbox::{Batch, Destination};
use rusty_s3::{Bucket as Place, Credentials, S3Action, UrlStyle};
use std::fmt;
use std::time::Duration;
use ureq::Agent;

/// How long a signed request may be used.
const VALID: Duration = Duration::from_secs(300);

/// Whether the receiver has it: some agents take an answer of failure for an answer.
fn taken(answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<(), String> {
    match answer {
        Ok(answer) if answer.status().is_success() => Ok(()),
        Ok(answer) => Err(format!("it answered {}", answer.status())),
        Err(error) => Err(error.to_string()),
    }
}

/// An address that takes batches as JSON lines by POST.
#[derive(Clone, Debug)]
pub struct Webhook {
    agent: Agent,
    address: String,
    authorization: Option<String>,
}

impl Webhook {
    /// A webhook, with the value of its header `Authorization` if it wants one.
    pub fn new(agent: Agent, address: impl Into<String>, authorization: Option<String>) -> Self {
        Self { agent, address: address.into(), authorization }
    }
}

impl Destination for Webhook {
    /// The header `Idempotency-Key` names the batch, and the receiver has it when it answers with 2xx.
    fn deliver(&self, batch: &Batch) -> Result<(), String> {
        let mut request = self
            .agent
            .post(&self.address)
            .header("Content-Type", "application/x-ndjson")
            .header("Idempotency-Key", format!("{}/{}", batch.origin, batch.name()));
        if let Some(authorization) = &self.authorization {
            request = request.header("Authorization", authorization);
        }
        taken(request.send(&batch.lines))
    }
}

/// A bucket of an S3-compatible store.
#[derive(Clone)]
pub struct Bucket {
    agent: Agent,
    place: Place,
    credentials: Credentials,
    prefix: String,
}

impl fmt::Debug for Bucket {
    /// Never shows the credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bucket").field("place", &self.place.base_url().as_str()).finish_non_exhaustive()
    }
}

impl Bucket {
    /// A bucket at an endpoint, with what objects' names begin with.
    ///
    /// # Errors
    /// When the endpoint is not an address.
    pub fn new(
        agent: Agent,
        (endpoint, region): (&str, &str),
        (name, prefix): (&str, &str),
        (key, secret): (&str, &str),
    ) -> Result<Self, String> {
        let endpoint = endpoint.parse().map_err(|_| format!("`{endpoint}` is not an address"))?;
        let place = Place::new(endpoint, UrlStyle::Path, name.to_owned(), region.to_owned());
        let place = place.map_err(|error| error.to_string())?;
        Ok(Self { agent, place, credentials: Credentials::new(key, secret), prefix: prefix.to_owned() })
    }
}

impl Destination for Bucket {
    fn deliver(&self, batch: &Batch) -> Result<(), String> {
        let name = format!("{}{}.jsonl", self.prefix, batch.name());
        let address = self.place.put_object(Some(&self.credentials), &name).sign(VALID);
        taken(self.agent.put(address.as_str()).send(&batch.lines))
    }
}

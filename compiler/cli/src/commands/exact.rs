//! `--action`, `--target`, `--parameters`, `--bundle`: one exact thing that somebody wants to do.

use crate::files;
use crate::problem::Problem;
use clap::Args;
use govc_governance::CanonicalAction;
use serde_json::{Value, json};

/// What is to be done.
#[derive(Args, Debug)]
pub(super) struct Exact {
    /// What is done
    #[arg(long)]
    action: String,
    /// What it is done to
    #[arg(long)]
    target: String,
    /// File with its parameters, JSON
    #[arg(long, value_name = "FILE")]
    parameters: Option<String>,
    /// Digest of the bundle that allowed it, 64 hex digits
    #[arg(long, value_name = "DIGEST")]
    bundle: String,
}

impl Exact {
    pub(super) fn read(&self) -> Result<CanonicalAction, Problem> {
        let parameters = match &self.parameters {
            None => json!({}),
            Some(path) => parameters(path)?,
        };
        CanonicalAction::new(&self.action, &self.target, &parameters, &self.bundle).map_err(Problem::from)
    }
}

/// A member that stands twice has two meanings, and only one of them would be bound.
fn parameters(path: &str) -> Result<Value, Problem> {
    let text = files::document_of_unique_keys(path)?;
    let wrong =
        |error: serde_json::Error| Problem::coded("govc_action_parameters", format!("{path}: {error}"));
    serde_json::from_str(&text).map_err(wrong)
}

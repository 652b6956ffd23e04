//! One agent under new policies.
//!
//! The surprising fact: the policies decide on the input that the earlier proof holds, and only after that proof was verified. A
//! specification that somebody changed in the store gets no new proof.

use super::Revalidation;
use crate::promotion;
use crate::store::{Invalidated, Outdated, Passed, StoredProof};
use govc_engine::proof::{Leaf, Opener, PROMOTION_V1, Proof, Statement, Subject};
use govc_engine::{Effect, Query, Scratch, VerifyingKey, canonical_json, sha256_hex};
use serde_json::{Map, Value, json};

/// What became of an agent.
pub(super) enum Outcome {
    Passed(Passed, Leaf),
    Failed(Invalidated),
}

/// Evaluates agents one after another.
pub(super) struct Evaluator<'a> {
    task: &'a Revalidation<'a>,
    opener: Opener<'a>,
    scratch: Scratch,
    /// What every new proof states beside the promotion.
    stated: [(&'static str, Value); 4],
}

impl<'a> Evaluator<'a> {
    /// With the keys whose proofs are believed.
    pub(super) fn new(task: &'a Revalidation<'a>, keys: &'a [VerifyingKey]) -> Self {
        let authority = task.authority;
        let stated = [
            ("policy_hash", json!(authority.policy.policy_hash())),
            ("authority", json!(authority.name())),
            ("signed_at", promotion::signed_at(authority.now)),
            ("revalidated_by", task.actor.json()),
        ];
        Self { task, opener: Opener::new(keys), scratch: Scratch::new(), stated }
    }

    pub(super) fn evaluate(&mut self, agent: Outdated) -> Outcome {
        let Outdated { id, spec, spec_hash, proof, input } = agent;
        match self.pass(&spec, &spec_hash, proof.map_err(|error| error.to_string())) {
            Ok(leaf) => Outcome::Passed(Passed { id, spec_hash, input }, leaf),
            Err(reasons) => Outcome::Failed(Invalidated { id, spec_hash, reasons }),
        }
    }

    /// The new statement, or why there is none.
    fn pass(
        &mut self,
        spec: &str,
        spec_hash: &str,
        proof: Result<StoredProof, String>,
    ) -> Result<Leaf, Vec<String>> {
        let mut statement = self.promoted(spec, spec_hash, proof).map_err(|why| vec![why])?;
        let details = std::mem::take(&mut statement.predicate.details);
        let input = statement.predicate.input.as_deref().map(|input| input.get().as_bytes());
        let Some(input) = input else { return Err(vec!["the proof holds no input".to_owned()]) };
        let authority = self.task.authority;
        let query =
            Query::new(authority.entrypoint).input_json(input).host(authority.host).limits(authority.limits);
        let (decision, proof) = Proof::decide(authority.policy, &mut self.scratch, &query);
        if !decision.is_allow() {
            return Err(promotion::reasons_of(&decision));
        }
        let renewed = proof.map(|proof| {
            proof.stating(PROMOTION_V1, self.details(details)).about(Subject::sha256("agent-spec", spec_hash))
        });
        renewed.and_then(|proof| proof.leaf()).map_err(|error| vec![error.to_string()])
    }

    /// The statement of a promotion of this very specification.
    fn promoted(
        &mut self,
        spec: &str,
        spec_hash: &str,
        proof: Result<StoredProof, String>,
    ) -> Result<Statement, String> {
        let canonical = canonical_json(spec.as_bytes()).map_err(|error| error.kind.to_string())?;
        if sha256_hex(&canonical) != spec_hash {
            return Err("the stored specification lost its digest".to_owned());
        }
        let opened = match proof? {
            StoredProof::Own(envelope) => self.opener.open(envelope.as_bytes()),
            StoredProof::Shared(shared) => self.opener.open_shared(shared),
        };
        let (statement, _) = opened.map_err(|error| error.to_string())?;
        let allowed = Effect::from_name(&statement.predicate.decision) == Some(Effect::Allow);
        if statement.predicate_type != PROMOTION_V1 || !allowed {
            return Err("the proof is none of a promotion".to_owned());
        }
        if statement.subject_sha256("agent-spec") != Some(spec_hash) {
            return Err("the specification is not the one that was promoted".to_owned());
        }
        Ok(statement)
    }

    fn details(&self, mut details: Map<String, Value>) -> Map<String, Value> {
        for (name, value) in &self.stated {
            details.insert((*name).to_owned(), value.clone());
        }
        details
    }
}

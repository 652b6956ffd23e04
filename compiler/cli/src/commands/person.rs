//! People on the command line: who acts shows his private key, and others are named by their public ones.
//!
//! The surprising fact: nobody has a name here but the thumbprint of his key (RFC 7638), so there is none to make up.

use crate::keys;
use crate::problem::Problem;
use clap::Args;
use govc_audit::event::random_id;
use govc_engine::{SigningKey, VerifyingKey};
use govc_governance::Principal;

/// Who acts.
#[derive(Args, Debug)]
pub(super) struct Person {
    /// Private key of who acts: a PEM file or its text
    #[arg(long, value_name = "KEY", env = "GOVC_PERSON_KEY", hide_env_values = true)]
    key: String,
}

impl Person {
    /// Lets him prove his key.
    pub(super) fn prove(&self) -> Result<Principal, Problem> {
        let key = SigningKey::from_pem(&keys::text_of(&self.key, None)?)?;
        let challenge = random_id();
        let signature = key.sign(&Principal::challenge(challenge.as_bytes()))?;
        let proved = Principal::from_key(key.verifying_key(), challenge.as_bytes(), &signature);
        proved.ok_or_else(|| Problem::coded("govc_key_algorithm", "the key does not sign what it verifies"))
    }
}

/// The name of whose public key this is.
pub(super) fn name(public_key: &str) -> Result<String, Problem> {
    let key = VerifyingKey::from_pem(&keys::text_of(public_key, None)?)?;
    key.thumbprint().ok_or_else(|| Problem::coded("govc_key_algorithm", "a shared secret names nobody"))
}

//! What the tests of this folder share: keys, the promotion policy, a request.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    reason = "each test binary uses a part"
)]

use govc_engine::{Engine, Limits, Policy, Sealed, SigningKey, Trust, VerifyingKey};
use govc_governance::admission::TrustedKeys;
use govc_governance::promotion::{Authority, PromotionRequest};
use govc_governance::store::{Gate, SqliteStore, StoreError};
use govc_governance::{Actor, OnMismatch, Status};
use serde_json::Value;
use std::path::{Path, PathBuf};

pub fn engine_tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../engine/tests")
}

pub fn pem(name: &str) -> String {
    std::fs::read_to_string(engine_tests().join("keys").join(format!("{name}.pem"))).unwrap()
}

pub fn signing(name: &str) -> SigningKey {
    SigningKey::from_pem(&pem(name)).unwrap()
}

pub fn verifying(name: &str) -> VerifyingKey {
    VerifyingKey::from_pem(&pem(&format!("{name}.pub"))).unwrap()
}

pub fn trusted() -> TrustedKeys {
    TrustedKeys::new(vec![verifying("ed25519")])
}

pub fn policy(name: &str) -> Policy {
    let bytes = std::fs::read(engine_tests().join("bundles").join(format!("{name}.tar.gz"))).unwrap();
    Engine::load(&bytes, &Trust::unsigned()).unwrap()
}

pub fn request_json() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/agent-promotion/inputs/allow.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

pub fn request(change: impl FnOnce(&mut Value)) -> PromotionRequest {
    let mut json = request_json();
    change(&mut json);
    PromotionRequest::from_json(json.to_string().as_bytes()).unwrap()
}

/// What a start is held against; a mismatch leaves the status as it is.
pub fn gate<'a>(policy: Option<&'a Policy>, keys: &'a TrustedKeys, now: i64) -> Gate<'a> {
    Gate { policy_hash: policy.map(Policy::policy_hash), keys, on_mismatch: OnMismatch::DenyStart, now }
}

/// Somebody holds an agent back.
pub fn restrict(store: &SqliteStore, id: i64, status: Status) -> Result<(), StoreError> {
    let actor = Actor { id: "user-1", role: "agent_admin" };
    govc_governance::store::restrict(store, id, status, actor, "it misbehaved", NOW)
}

pub mod revalidation;

pub const NOW: i64 = 1_767_600_000;

pub fn authority<'a>(policy: &'a Policy, key: &'a SigningKey) -> Authority<'a> {
    Authority {
        policy,
        entrypoint: "promotion/result",
        key,
        host: &Sealed,
        limits: Limits::default(),
        now: NOW,
    }
}

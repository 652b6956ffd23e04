//! A workspace of many governed agents, put into the tables at once: through the store each would wait for the disk.

use crate::common::revalidation::{ENTRYPOINT, numbered};
use crate::common::{NOW, authority, signing, verifying};
use govc_engine::Policy;
use govc_governance::promotion::{self, PromotionRequest};
use rusqlite::{Connection, Transaction, params};
use std::path::Path;

/// The request for an agent of a number.
pub(crate) fn request(number: i64) -> PromotionRequest {
    numbered(number)
}

/// So many agents, each promoted under the policy.
pub(crate) fn govern(path: &Path, policy: &Policy, agents: u64) -> Result<(), Box<dyn std::error::Error>> {
    let mut connection = Connection::open(path)?;
    let transaction = connection.transaction()?;
    let ids: Vec<i64> = (1..=agents.cast_signed()).collect();
    for some in ids.chunks(4096) {
        let halves: Vec<_> = std::thread::scope(|scope| {
            let parts = some.chunks(some.len().div_ceil(2));
            let threads: Vec<_> = parts.map(|part| scope.spawn(move || promoted(policy, part))).collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap_or_default()).collect()
        });
        for (id, request, envelope) in halves {
            insert(&transaction, policy, id, &request, &envelope)?;
        }
    }
    Ok(transaction.commit()?)
}

fn promoted(policy: &Policy, ids: &[i64]) -> Vec<(i64, PromotionRequest, String)> {
    let key = signing("ed25519");
    let authority = authority(policy, &key);
    let each = ids.iter().filter_map(|id| {
        let request = request(*id);
        let envelope = promotion::decide(&authority, &request).proof?;
        Some((*id, request, envelope))
    });
    each.collect()
}

fn insert(
    transaction: &Transaction<'_>,
    policy: &Policy,
    id: i64,
    request: &PromotionRequest,
    envelope: &str,
) -> rusqlite::Result<()> {
    let spec = request.spec();
    let text = |name: &str| spec.text(name).unwrap_or_default().to_owned();
    let part = |name: &str| spec.get(name).map(ToString::to_string).unwrap_or_default();
    transaction.prepare_cached(
        "INSERT INTO agent_specs (id, workspace_id, name, version, role_class, mode, governance_status, anatomy, spec,
         spec_hash, created_by, created_at, updated_at)
         VALUES (?1, 'finance', ?2, ?3, ?4, 'governed', 'GOVERNED_VALID', ?5, ?6, ?7, 'user-17', ?8, ?8)",
    )?
    .execute(params![
        id,
        text("name"),
        text("version"),
        text("roleClass"),
        part("anatomy"),
        spec.json(),
        spec.digest(),
        NOW
    ])?;
    transaction
        .prepare_cached("INSERT INTO proof_inputs (input) VALUES (?1)")?
        .execute([String::from_utf8_lossy(request.input())])?;
    let input = transaction.last_insert_rowid();
    let authority = verifying("ed25519");
    transaction.prepare_cached(
        "INSERT INTO agent_proofs (agent_id, policy_set, policy_hash, spec_hash, signature, authority, signed_at,
         created_at, input_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8)",
    )?
    .execute(params![
        id,
        ENTRYPOINT,
        policy.policy_hash(),
        spec.digest(),
        envelope,
        authority.fingerprint(),
        NOW,
        input
    ])?;
    Ok(())
}

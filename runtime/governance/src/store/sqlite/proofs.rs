//! Proofs in SQLite's words.
//!
//! The surprising fact: a promotion's input is by far the largest part of its proof and the same in every later one. A proof
//! that shares its signature is kept without it, and put together again when it is read.

use super::StoreError;
use crate::store::ProofRecord;
use govc_engine::proof::SharedProof;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use std::sync::Arc;

/// The tables. `signature` is the envelope; for a proof that shares one, its statement, without the input where `input_at`
/// says at which byte it stood.
pub(super) const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS proof_inputs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  input TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS proof_batches (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  size INTEGER NOT NULL,
  envelope TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS agent_proofs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  agent_id INTEGER NOT NULL REFERENCES agent_specs(id) ON DELETE CASCADE,
  policy_set TEXT NOT NULL,
  policy_hash TEXT NOT NULL CHECK (length(policy_hash) = 64),
  spec_hash TEXT NOT NULL CHECK (length(spec_hash) = 64),
  signature TEXT NOT NULL,
  authority TEXT NOT NULL,
  signed_at INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  input_id INTEGER REFERENCES proof_inputs(id),
  batch_id INTEGER REFERENCES proof_batches(id),
  leaf INTEGER,
  path BLOB,
  input_at INTEGER
) STRICT;
CREATE INDEX IF NOT EXISTS idx_agent ON agent_proofs (agent_id);
";

/// The columns that [`StoredProof::read`] takes, of a proof `p` with its input `i` and batch `b`.
pub(super) const COLUMNS: &str =
    "p.signature, p.leaf, p.path, p.input_at, p.input_id, i.input, b.size, b.envelope";

/// Where they come from, behind a table with a proof `p`.
pub(super) const JOINS: &str =
    "LEFT JOIN proof_inputs i ON i.id = p.input_id LEFT JOIN proof_batches b ON b.id = p.batch_id";

/// A proof as it is kept.
#[derive(Clone, Debug)]
pub(crate) enum StoredProof {
    /// Under a signature of its own: the envelope.
    Own(String),
    /// Under one that it shares.
    Shared(SharedProof),
}

/// A proof's row, before its content is believed.
pub(super) struct RawProof {
    signature: String,
    leaf: Option<u64>,
    path: Option<Vec<u8>>,
    input_at: Option<usize>,
    input_id: Option<i64>,
    input: Option<String>,
    size: Option<u64>,
    envelope: Option<Arc<str>>,
}

/// The columns from `first` on.
pub(super) fn raw_proof(row: &Row<'_>, first: usize) -> rusqlite::Result<RawProof> {
    Ok(RawProof {
        signature: row.get(first)?,
        leaf: row.get(first + 1)?,
        path: row.get(first + 2)?,
        input_at: row.get(first + 3)?,
        input_id: row.get(first + 4)?,
        input: row.get(first + 5)?,
        size: row.get(first + 6)?,
        envelope: row.get(first + 7)?,
    })
}

impl RawProof {
    /// The input, and where it is kept. It stays here only where the proof has none of its own.
    pub(super) fn kept_input(&mut self) -> Option<(i64, String)> {
        let input = if self.input_at.is_some() { self.input.clone() } else { self.input.take() };
        self.input_id.zip(input)
    }

    pub(super) fn believe(self) -> Result<StoredProof, StoreError> {
        let Some(index) = self.leaf else { return Ok(StoredProof::Own(self.signature)) };
        let shared = || {
            let mut statement = self.signature;
            if let Some(at) = self.input_at {
                statement = [statement.get(..at)?, &self.input?, statement.get(at..)?].concat();
            }
            let hashes = self.path.as_deref().map(|path| path.as_chunks::<32>())?;
            let (path, []) = hashes else { return None };
            Some(SharedProof {
                payload: statement.into_bytes(),
                index,
                size: self.size?,
                path: path.to_vec(),
                envelope: self.envelope?,
            })
        };
        let damaged = || StoreError::Corrupt("a part of a proof is missing".to_owned());
        shared().map(StoredProof::Shared).ok_or_else(damaged)
    }
}

impl StoredProof {
    fn text(self) -> Result<String, StoreError> {
        match self {
            StoredProof::Own(text) => Ok(text),
            StoredProof::Shared(shared) => {
                shared.text().map_err(|error| StoreError::Corrupt(error.to_string()))
            }
        }
    }
}

/// The newest proof of an agent.
pub(super) fn newest(connection: &Connection, agent: i64) -> Result<Option<ProofRecord>, StoreError> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT p.policy_hash, p.spec_hash, p.authority, p.signed_at, {COLUMNS} FROM agent_proofs p {JOINS}
         WHERE p.agent_id = ?1 ORDER BY p.id DESC LIMIT 1"
    ))?;
    let found = statement.query_row([agent], |row| {
        let record = ProofRecord {
            policy_hash: row.get(0)?,
            spec_hash: row.get(1)?,
            authority: row.get(2)?,
            signed_at: row.get(3)?,
            envelope: String::new(),
        };
        Ok((record, raw_proof(row, 4)?))
    });
    let Some((record, raw)) = found.optional()? else { return Ok(None) };
    Ok(Some(ProofRecord { envelope: raw.believe()?.text()?, ..record }))
}

/// Adds the proof of a promotion.
pub(super) fn add(
    transaction: &Transaction<'_>,
    agent: i64,
    policy_set: &str,
    proof: &ProofRecord,
    input: &str,
    now: i64,
) -> Result<(), StoreError> {
    transaction.execute("INSERT INTO proof_inputs (input) VALUES (?1)", [input])?;
    transaction.execute(
        "INSERT INTO agent_proofs (agent_id, policy_set, policy_hash, spec_hash, signature, authority, signed_at,
         created_at, input_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        params![
            agent,
            policy_set,
            proof.policy_hash,
            proof.spec_hash,
            proof.envelope,
            proof.authority,
            proof.signed_at,
            now,
            transaction.last_insert_rowid(),
        ],
    )?;
    Ok(())
}

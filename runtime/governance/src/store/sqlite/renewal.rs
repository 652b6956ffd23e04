//! Revalidation in SQLite's words: which agents are due, and what became of them.

use super::proofs::{COLUMNS, JOINS, StoredProof, raw_proof};
use super::{SqliteStore, StoreError, policies};
use govc_audit::Event;
use govc_engine::proof::SharedProof;
use rusqlite::{Transaction, params};

/// The table of agents that did not pass, with the reasons as a JSON array.
pub(super) const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS invalidations (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  agent_id INTEGER NOT NULL REFERENCES agent_specs(id) ON DELETE CASCADE,
  policy_set TEXT NOT NULL,
  policy_hash TEXT NOT NULL CHECK (length(policy_hash) = 64),
  reasons TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS idx_invalidated_agent ON invalidations (agent_id);
CREATE INDEX IF NOT EXISTS idx_invalidated_by ON invalidations (policy_hash);
";

/// Policies of a workspace, by their hash.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policies<'a> {
    pub(crate) workspace: &'a str,
    pub(crate) set: &'a str,
    pub(crate) hash: &'a str,
}

/// A governed agent whose newest proof names other policies.
#[derive(Debug)]
pub(crate) struct Outdated {
    pub(crate) id: i64,
    pub(crate) spec: String,
    pub(crate) spec_hash: String,
    pub(crate) proof: Result<StoredProof, StoreError>,
    /// The input of its promotion, and where it is kept.
    pub(crate) input: Option<(i64, String)>,
}

/// One that passed.
#[derive(Debug)]
pub(crate) struct Passed {
    pub(crate) id: i64,
    pub(crate) spec_hash: String,
    pub(crate) input: Option<(i64, String)>,
}

/// One that passed, with its new proof.
#[derive(Debug)]
pub(crate) struct Renewed {
    pub(crate) agent: Passed,
    pub(crate) proof: SharedProof,
}

/// One that did not.
#[derive(Debug)]
pub(crate) struct Invalidated {
    pub(crate) id: i64,
    pub(crate) spec_hash: String,
    pub(crate) reasons: Vec<String>,
}

/// What became of some agents.
#[derive(Debug)]
pub(crate) struct Renewal<'a> {
    pub(crate) policies: Policies<'a>,
    pub(crate) authority: &'a str,
    pub(crate) now: i64,
    pub(crate) renewed: Vec<Renewed>,
    pub(crate) invalidated: Vec<Invalidated>,
}

impl SqliteStore {
    /// The first agents with numbers above `after` that are due, `limit` at most.
    pub(crate) fn outdated(
        &self,
        policies: Policies<'_>,
        after: i64,
        limit: usize,
    ) -> Result<Vec<Outdated>, StoreError> {
        let connection = self.connection();
        // The plus keeps SQLite from walking through all agents of a status.
        let mut statement = connection.prepare_cached(&format!(
            "SELECT a.id, a.spec, a.spec_hash, {COLUMNS} FROM agent_specs a
             JOIN agent_proofs p ON p.id = (SELECT max(id) FROM agent_proofs WHERE agent_id = a.id) {JOINS}
             WHERE a.workspace_id = ?1 AND a.id > ?2 AND +a.mode = 'governed'
             AND +a.governance_status IN ('GOVERNED_VALID', 'GOVERNED_RESTRICTED')
             AND p.policy_set = ?3 AND p.policy_hash <> ?4 ORDER BY a.id LIMIT ?5"
        ))?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let Policies { workspace, set, hash } = policies;
        let rows = statement.query_map(params![workspace, after, set, hash, limit], |row| {
            let mut raw = raw_proof(row, 3)?;
            Ok(Outdated {
                id: row.get(0)?,
                spec: row.get(1)?,
                spec_hash: row.get(2)?,
                input: raw.kept_input(),
                proof: raw.believe(),
            })
        })?;
        rows.map(|row| row.map_err(StoreError::from)).collect()
    }

    /// Stores what became of some agents, in one transaction with its events. Refused when other policies are in force.
    pub(crate) fn renew(&self, renewal: &Renewal<'_>, events: Vec<Event>) -> Result<(), StoreError> {
        self.commit(events, |transaction| {
            must_be_in_force(transaction, renewal.policies)?;
            store_renewed(transaction, renewal)?;
            store_invalidated(transaction, renewal)
        })
    }

    /// Whether all agents were evaluated under the policies, if these are in force.
    pub(crate) fn is_revalidated(&self, policies: Policies<'_>) -> Result<bool, StoreError> {
        must_be_in_force(&self.connection(), policies)
    }

    /// How many agents passed the policies, and how many did not.
    pub(crate) fn tally(&self, policies: Policies<'_>) -> Result<(u64, u64), StoreError> {
        let connection = self.connection();
        let count = |sql: &str| {
            let Policies { workspace, set, hash } = policies;
            connection.query_row(sql, [workspace, set, hash], |row| row.get::<_, u64>(0))
        };
        let passed = count(
            "SELECT count(*) FROM agent_specs a
             JOIN agent_proofs p ON p.id = (SELECT max(id) FROM agent_proofs WHERE agent_id = a.id)
             WHERE a.workspace_id = ?1 AND +a.mode = 'governed' AND +a.governance_status <> 'GOVERNED_INVALIDATED'
             AND p.policy_set = ?2 AND p.policy_hash = ?3",
        )?;
        let failed = count(
            "SELECT count(*) FROM invalidations v JOIN agent_specs a ON a.id = v.agent_id
             WHERE a.workspace_id = ?1 AND v.policy_set = ?2 AND v.policy_hash = ?3",
        )?;
        Ok((passed, failed))
    }

    /// Remembers that all agents were evaluated, with the event that says so.
    pub(crate) fn finish_revalidation(&self, policies: Policies<'_>, event: Event) -> Result<(), StoreError> {
        self.commit(vec![event], |transaction| {
            must_be_in_force(transaction, policies)?;
            transaction.execute(
                "UPDATE policies_in_force SET revalidated = 1 WHERE workspace_id = ?1 AND policy_set = ?2",
                [policies.workspace, policies.set],
            )?;
            Ok(())
        })
    }

    /// Why an agent was invalidated, the last time that it was.
    ///
    /// # Errors
    /// When the database fails, or the row is damaged.
    pub fn invalidation(&self, id: i64) -> Result<Option<Vec<String>>, StoreError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached(
            "SELECT reasons FROM invalidations WHERE agent_id = ?1 ORDER BY id DESC LIMIT 1",
        )?;
        let mut rows = statement.query([id])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let reasons = serde_json::from_str(&row.get::<_, String>(0)?);
        reasons.map(Some).map_err(|error| StoreError::Corrupt(error.to_string()))
    }
}

fn must_be_in_force(connection: &rusqlite::Connection, asked: Policies<'_>) -> Result<bool, StoreError> {
    match policies::in_force(connection, asked.workspace, asked.set)? {
        Some((hash, revalidated)) if hash == asked.hash => Ok(revalidated),
        _ => Err(StoreError::NotInForce { hash: asked.hash.to_owned() }),
    }
}

fn store_renewed(transaction: &Transaction<'_>, renewal: &Renewal<'_>) -> Result<(), StoreError> {
    let Some(first) = renewal.renewed.first() else { return Ok(()) };
    transaction.execute(
        "INSERT INTO proof_batches (size, envelope) VALUES (?1, ?2)",
        params![first.proof.size, first.proof.envelope],
    )?;
    let batch = transaction.last_insert_rowid();
    let mut insert = transaction.prepare_cached(
        "INSERT INTO agent_proofs (agent_id, policy_set, policy_hash, spec_hash, signature, authority, signed_at,
         created_at, input_id, batch_id, leaf, path, input_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8, ?9, ?10, ?11, ?12)",
    )?;
    for Renewed { agent, proof } in &renewal.renewed {
        let (statement, input_at) = without_input(agent, proof)?;
        insert.execute(params![
            agent.id,
            renewal.policies.set,
            renewal.policies.hash,
            agent.spec_hash,
            statement,
            renewal.authority,
            renewal.now,
            agent.input.as_ref().map(|(id, _)| id),
            batch,
            proof.index,
            proof.path.as_flattened(),
            input_at,
        ])?;
    }
    Ok(())
}

/// The statement without its input, and where that stood; the whole statement where the input is not kept elsewhere.
fn without_input(agent: &Passed, proof: &SharedProof) -> Result<(String, Option<usize>), StoreError> {
    let statement =
        std::str::from_utf8(&proof.payload).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    let at = agent.input.as_ref().and_then(|(_, input)| Some((place_of(input, statement)?, input.len())));
    match at.and_then(|(at, length)| Some((at, statement.get(..at)?, statement.get(at + length..)?))) {
        Some((at, before, behind)) => Ok(([before, behind].concat(), Some(at))),
        None => Ok((statement.to_owned(), None)),
    }
}

/// Where an input stands in a statement. To look for its name is much faster than to look for the input itself.
fn place_of(input: &str, statement: &str) -> Option<usize> {
    const NAME: &str = "\"input\":";
    let behind = statement.match_indices(NAME).map(|(at, name)| at + name.len());
    behind.into_iter().find(|at| statement.get(*at..).is_some_and(|rest| rest.starts_with(input)))
}

fn store_invalidated(transaction: &Transaction<'_>, renewal: &Renewal<'_>) -> Result<(), StoreError> {
    let mut update = transaction.prepare_cached(
        "UPDATE agent_specs SET governance_status = 'GOVERNED_INVALIDATED', updated_at = ?2
         WHERE id = ?1 AND mode = 'governed'",
    )?;
    let mut insert = transaction.prepare_cached(
        "INSERT INTO invalidations (agent_id, policy_set, policy_hash, reasons, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    for agent in &renewal.invalidated {
        update.execute(params![agent.id, renewal.now])?;
        let reasons = serde_json::json!(agent.reasons).to_string();
        let Policies { set, hash, .. } = renewal.policies;
        insert.execute(params![agent.id, set, hash, reasons, renewal.now])?;
    }
    Ok(())
}

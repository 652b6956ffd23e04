//! Policies in SQLite's words: every version that was in force, and the one that is.

use super::{SqliteStore, StoreError};
use crate::store::PolicyVersion;
use govc_audit::Event;
use rusqlite::{Connection, OptionalExtension, Transaction, params};

/// The tables. `revalidated` is 1 once every agent of the workspace was evaluated under the policies in force.
pub(super) const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS policy_versions (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  workspace_id TEXT NOT NULL,
  policy_set TEXT NOT NULL,
  hash TEXT NOT NULL CHECK (length(hash) = 64),
  bundle TEXT NOT NULL,
  actor TEXT,
  reason TEXT,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS idx_policy_workspace ON policy_versions (workspace_id);
CREATE INDEX IF NOT EXISTS idx_policy_hash ON policy_versions (hash);
CREATE TABLE IF NOT EXISTS policies_in_force (
  workspace_id TEXT NOT NULL,
  policy_set TEXT NOT NULL,
  hash TEXT NOT NULL CHECK (length(hash) = 64),
  revalidated INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (workspace_id, policy_set)
) STRICT;
";

/// Adds a version; one that is there already only when `always`.
pub(super) fn add_version(
    transaction: &Transaction<'_>,
    policy: &PolicyVersion,
    always: bool,
    now: i64,
) -> Result<(), StoreError> {
    transaction.execute(
        "INSERT INTO policy_versions (workspace_id, policy_set, hash, bundle, actor, reason, created_at)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 WHERE ?8 OR NOT EXISTS
         (SELECT 1 FROM policy_versions WHERE workspace_id = ?1 AND policy_set = ?2 AND hash = ?3)",
        params![
            policy.workspace,
            policy.policy_set,
            policy.hash,
            policy.bundle,
            policy.actor,
            policy.reason,
            now,
            always
        ],
    )?;
    Ok(())
}

pub(super) fn versions(connection: &Connection, workspace: &str) -> Result<Vec<PolicyVersion>, StoreError> {
    let mut statement = connection.prepare(
        "SELECT workspace_id, policy_set, hash, bundle, actor, reason FROM policy_versions
         WHERE workspace_id = ?1 ORDER BY id",
    )?;
    let rows = statement.query_map([workspace], |row| {
        Ok(PolicyVersion {
            workspace: row.get(0)?,
            policy_set: row.get(1)?,
            hash: row.get(2)?,
            bundle: row.get(3)?,
            actor: row.get::<_, Option<String>>(4)?.unwrap_or_default(),
            reason: row.get::<_, Option<String>>(5)?.unwrap_or_default(),
        })
    })?;
    rows.map(|row| row.map_err(StoreError::from)).collect()
}

/// The policies in force, and whether all agents were evaluated under them.
pub(super) fn in_force(
    connection: &Connection,
    workspace: &str,
    policy_set: &str,
) -> Result<Option<(String, bool)>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT hash, revalidated FROM policies_in_force WHERE workspace_id = ?1 AND policy_set = ?2",
    )?;
    Ok(statement.query_row([workspace, policy_set], |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
}

impl SqliteStore {
    /// The hash of the policies in force.
    ///
    /// # Errors
    /// When the database fails.
    pub fn policies_in_force(&self, workspace: &str, policy_set: &str) -> Result<Option<String>, StoreError> {
        Ok(in_force(&self.connection(), workspace, policy_set)?.map(|(hash, _)| hash))
    }

    /// Puts policies in force, with the event that says so.
    pub(crate) fn put_in_force(
        &self,
        policy: &PolicyVersion,
        event: Event,
        now: i64,
    ) -> Result<(), StoreError> {
        self.commit(vec![event], |transaction| {
            add_version(transaction, policy, true, now)?;
            transaction.execute(
                "INSERT INTO policies_in_force (workspace_id, policy_set, hash) VALUES (?1, ?2, ?3)
                 ON CONFLICT DO UPDATE SET hash = ?3, revalidated = revalidated AND hash = ?3",
                params![policy.workspace, policy.policy_set, policy.hash],
            )?;
            Ok(())
        })
    }
}

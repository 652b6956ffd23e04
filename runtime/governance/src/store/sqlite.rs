//! The store in one SQLite file, in WAL mode, synced at every commit.

mod ledger;
mod migration;
mod outbox;
mod policies;
mod proofs;
mod renewal;

pub(crate) use proofs::StoredProof;
pub(crate) use renewal::{Invalidated, Outdated, Passed, Policies, Renewal, Renewed};

use super::{Agent, PolicyVersion, ProofRecord, Store, StoreError};
use crate::metrics::{Counters, Counts};
use crate::revocation::Revocations;
use crate::spec::AgentSpec;
use crate::state::{State, Status};
use govc_audit::Event;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The tables, in SQLite's words. Times are seconds since 1970, digests 64 hex digits.
const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS agent_specs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  workspace_id TEXT NOT NULL,
  name TEXT NOT NULL,
  version TEXT NOT NULL,
  description TEXT,
  role_class TEXT,
  mode TEXT NOT NULL DEFAULT 'sandbox' CHECK (mode IN ('sandbox', 'governed')),
  governance_status TEXT NOT NULL DEFAULT 'SANDBOX' CHECK (governance_status IN
    ('SANDBOX', 'GOVERNED_VALID', 'GOVERNED_RESTRICTED', 'GOVERNED_INVALIDATED')),
  anatomy TEXT NOT NULL,
  governance TEXT,
  spec TEXT NOT NULL,
  spec_hash TEXT NOT NULL CHECK (length(spec_hash) = 64),
  created_by TEXT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS idx_workspace ON agent_specs (workspace_id);
CREATE INDEX IF NOT EXISTS idx_mode ON agent_specs (mode);
CREATE INDEX IF NOT EXISTS idx_status ON agent_specs (governance_status);
CREATE TABLE IF NOT EXISTS revoked_signers (
  signer TEXT PRIMARY KEY,
  reason TEXT,
  created_at INTEGER NOT NULL
) STRICT;
";

/// A store in one file. Threads share it; several processes may open the same file.
#[derive(Debug)]
pub struct SqliteStore {
    connection: Mutex<Connection>,
    counters: Counters,
}

impl SqliteStore {
    /// Opens a store, or makes an empty one.
    ///
    /// # Errors
    /// When the file is no database of this kind.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::prepare(Connection::open(path)?)
    }

    /// A store that is gone when it is dropped.
    ///
    /// # Errors
    /// When memory for it cannot be had.
    pub fn in_memory() -> Result<Self, StoreError> {
        Self::prepare(Connection::open_in_memory()?)
    }

    fn prepare(mut connection: Connection) -> Result<Self, StoreError> {
        connection.busy_timeout(Duration::from_secs(10))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", "ON")?;
        // Pages of the write-ahead log after which it is written back: each time costs syncs of its own.
        connection.pragma_update(None, "wal_autocheckpoint", 4000)?;
        for schema in [SCHEMA, proofs::SCHEMA, policies::SCHEMA, renewal::SCHEMA] {
            connection.execute_batch(schema)?;
        }
        migration::migrate(&mut connection)?;
        outbox::prepare(&connection)?;
        ledger::prepare(&connection)?;
        Ok(Self { connection: Mutex::new(connection), counters: Counters::default() })
    }

    /// The counters of what was committed here.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// One durable transaction with the events that tell of it; and what was committed is counted.
    fn commit<T>(
        &self,
        events: Vec<Event>,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut counts = Counts::default();
        events.iter().for_each(|event| counts.observe(event));
        let result = self.transact(|transaction| {
            let result = work(transaction)?;
            events.into_iter().try_for_each(|event| outbox::put(transaction, event).map(drop))?;
            Ok(result)
        })?;
        self.counters.add(counts);
        Ok(result)
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // Transactions roll back when dropped, so a panic elsewhere leaves nothing half done.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error.to_string())
    }
}

const AGENT: &str = "SELECT id, workspace_id, spec, spec_hash, mode, governance_status, created_by, created_at, updated_at FROM agent_specs";

/// A row, before its content is believed.
struct RawAgent {
    id: i64,
    workspace: String,
    spec: String,
    spec_hash: String,
    state: State,
    created_by: Option<String>,
    created_at: i64,
    updated_at: i64,
}

fn raw_agent(row: &Row<'_>) -> rusqlite::Result<RawAgent> {
    Ok(RawAgent {
        id: row.get(0)?,
        workspace: row.get(1)?,
        spec: row.get(2)?,
        spec_hash: row.get(3)?,
        state: State { mode: row.get(4)?, status: row.get(5)? },
        created_by: row.get(6)?,
        created_at: row.get(7)?,
        updated_at: row.get(8)?,
    })
}

impl RawAgent {
    fn believe(self) -> Result<Agent, StoreError> {
        let spec =
            AgentSpec::from_json(self.spec.as_bytes()).map_err(|e| StoreError::Corrupt(e.to_string()))?;
        if spec.digest() != self.spec_hash {
            return Err(StoreError::Corrupt(format!(
                "the specification of agent {} lost its digest",
                self.id
            )));
        }
        Ok(Agent {
            id: self.id,
            workspace: self.workspace,
            spec,
            state: self.state,
            created_by: self.created_by.unwrap_or_default(),
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

/// A member of a specification as JSON text.
fn member(spec: &AgentSpec, name: &str) -> Option<String> {
    spec.get(name).map(ToString::to_string)
}

impl Store for SqliteStore {
    fn create_sandbox(
        &self,
        workspace: &str,
        spec: &AgentSpec,
        actor: &str,
        now: i64,
    ) -> Result<i64, StoreError> {
        let connection = self.connection();
        connection.execute(
            "INSERT INTO agent_specs (workspace_id, name, version, description, role_class, anatomy, governance, spec,
             spec_hash, created_by, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?11)",
            params![
                workspace,
                spec.text("name").unwrap_or_default(),
                spec.text("version").unwrap_or_default(),
                spec.text("description"),
                spec.text("roleClass"),
                member(spec, "anatomy").unwrap_or_else(|| "null".to_owned()),
                member(spec, "governance"),
                spec.json(),
                spec.digest(),
                actor,
                now,
            ],
        )?;
        Ok(connection.last_insert_rowid())
    }

    fn update_sandbox(&self, id: i64, spec: &AgentSpec, now: i64) -> Result<(), StoreError> {
        let connection = self.connection();
        let changed = connection.execute(
            "UPDATE agent_specs SET name = ?2, version = ?3, description = ?4, role_class = ?5, anatomy = ?6,
             governance = ?7, spec = ?8, spec_hash = ?9, updated_at = ?10
             WHERE id = ?1 AND mode = 'sandbox' AND governance_status = 'SANDBOX'",
            params![
                id,
                spec.text("name").unwrap_or_default(),
                spec.text("version").unwrap_or_default(),
                spec.text("description"),
                spec.text("roleClass"),
                member(spec, "anatomy").unwrap_or_else(|| "null".to_owned()),
                member(spec, "governance"),
                spec.json(),
                spec.digest(),
                now,
            ],
        )?;
        must_have_changed(&connection, id, changed)
    }

    fn agent(&self, id: i64) -> Result<Agent, StoreError> {
        let connection = self.connection();
        let found = connection.query_row(&format!("{AGENT} WHERE id = ?1"), [id], raw_agent).optional()?;
        // Whoever waits for the store need not wait for the digest.
        drop(connection);
        found.ok_or(StoreError::NotFound { id })?.believe()
    }

    fn agents(&self, workspace: &str) -> Result<Vec<Agent>, StoreError> {
        let connection = self.connection();
        let mut statement = connection.prepare(&format!("{AGENT} WHERE workspace_id = ?1 ORDER BY id"))?;
        let rows = statement.query_map([workspace], raw_agent)?;
        rows.map(|row| row.map_err(StoreError::from)?.believe()).collect()
    }

    fn govern(
        &self,
        id: i64,
        proof: &ProofRecord,
        policy: &PolicyVersion,
        input: &str,
        event: Event,
        now: i64,
    ) -> Result<(), StoreError> {
        self.commit(vec![event], |transaction| {
            let changed = transaction.execute(
                "UPDATE agent_specs SET mode = 'governed', governance_status = 'GOVERNED_VALID', updated_at = ?3
                 WHERE id = ?1 AND spec_hash = ?2 AND mode = 'sandbox' AND governance_status = 'SANDBOX'",
                params![id, proof.spec_hash, now],
            )?;
            if changed != 1 {
                return Err(StoreError::Changed);
            }
            proofs::add(transaction, id, &policy.policy_set, proof, input, now)?;
            policies::add_version(transaction, policy, false, now)
        })
    }

    fn record(&self, events: Vec<Event>) -> Result<(), StoreError> {
        self.commit(events, |_| Ok(()))
    }

    fn restrict(&self, id: i64, status: Status, events: Vec<Event>, now: i64) -> Result<(), StoreError> {
        if !matches!(status, Status::GovernedRestricted | Status::GovernedInvalidated) {
            return Err(StoreError::State { status: status.name().to_owned() });
        }
        self.commit(events, |transaction| {
            let changed = transaction.execute(
                "UPDATE agent_specs SET governance_status = ?2, updated_at = ?3
                 WHERE id = ?1 AND mode = 'governed' AND governance_status <> 'GOVERNED_INVALIDATED'",
                params![id, status.name(), now],
            )?;
            must_have_changed(transaction, id, changed)
        })
    }

    fn proof(&self, id: i64) -> Result<Option<ProofRecord>, StoreError> {
        proofs::newest(&self.connection(), id)
    }

    fn revoke(&self, signer: &str, reason: &str, event: Event, now: i64) -> Result<(), StoreError> {
        self.commit(vec![event], |transaction| {
            transaction.execute(
                "INSERT OR IGNORE INTO revoked_signers (signer, reason, created_at) VALUES (?1, ?2, ?3)",
                params![signer.to_ascii_lowercase(), reason, now],
            )?;
            Ok(())
        })
    }

    fn policy_versions(&self, workspace: &str) -> Result<Vec<PolicyVersion>, StoreError> {
        policies::versions(&self.connection(), workspace)
    }
}

/// Says why an update touched no row.
fn must_have_changed(connection: &Connection, id: i64, changed: usize) -> Result<(), StoreError> {
    if changed == 1 {
        return Ok(());
    }
    let mut statement =
        connection.prepare_cached("SELECT governance_status FROM agent_specs WHERE id = ?1")?;
    let status: Option<String> = statement.query_row([id], |row| row.get(0)).optional()?;
    Err(status.map_or(StoreError::NotFound { id }, |status| StoreError::State { status }))
}

impl Revocations for SqliteStore {
    fn is_revoked(&self, signer: &str) -> Result<bool, String> {
        let found = self
            .connection()
            .query_row(
                "SELECT 1 FROM revoked_signers WHERE signer = ?1",
                [signer.to_ascii_lowercase()],
                |_| Ok(()),
            )
            .optional();
        found.map(|row| row.is_some()).map_err(|e| e.to_string())
    }
}

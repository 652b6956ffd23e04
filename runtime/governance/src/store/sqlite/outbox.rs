//! The outbox of audit events, in SQLite's words.
//!
//! The surprising fact: an event gets its number by an update of one row, so that two transactions which leave events come
//! one after the other, and their events in the order of their commits.

use super::{SqliteStore, StoreError};
use crate::outbox::{self, AuditOutbox, Draft, Position, Row};
use govc_audit::Event;
use rusqlite::{Connection, Transaction, TransactionBehavior, params};

/// The tables. An entry is kept byte for byte as the log will have it.
const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS audit_outbox (
  sequence INTEGER PRIMARY KEY,
  entry TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS audit_outbox_position (
  id TEXT NOT NULL CHECK (length(id) = 32),
  sequence INTEGER NOT NULL DEFAULT 0,
  log TEXT,
  log_size INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO audit_outbox_position (id) SELECT lower(hex(randomblob(16)))
  WHERE NOT EXISTS (SELECT 1 FROM audit_outbox_position);
";

/// Makes the tables where they are not there.
pub(super) fn prepare(connection: &Connection) -> Result<(), StoreError> {
    Ok(connection.execute_batch(&format!("BEGIN IMMEDIATE; {SCHEMA} COMMIT;"))?)
}

impl SqliteStore {
    /// Runs one durable transaction. What `work` writes and which events it [`put`]s into the outbox is there as a whole or,
    /// where it gives an error, not at all.
    pub(crate) fn transact<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut connection = self.connection();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let result = work(&transaction)?;
        transaction.commit()?;
        Ok(result)
    }
}

/// Leaves an event in the outbox, as part of a transaction. It gets a name of the outbox, which is given back.
pub(crate) fn put(transaction: &Transaction<'_>, event: Event) -> Result<String, StoreError> {
    put_draft(transaction, &Draft::of(event)?)
}

/// The same for a draft that was made before, outside of the transaction that others wait for.
pub(super) fn put_draft(transaction: &Transaction<'_>, draft: &Draft) -> Result<String, StoreError> {
    let mut next = transaction
        .prepare_cached("UPDATE audit_outbox_position SET sequence = sequence + 1 RETURNING id, sequence")?;
    let (id, sequence) = next.query_row([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, u64>(1)?)))?;
    let name = outbox::name(&id, sequence);
    let mut insert =
        transaction.prepare_cached("INSERT INTO audit_outbox (sequence, entry) VALUES (?1, ?2)")?;
    insert.execute(params![sequence, draft.named(&name)])?;
    Ok(name)
}

impl AuditOutbox for SqliteStore {
    fn position(&self) -> Result<Position, StoreError> {
        let connection = self.connection();
        let mut statement =
            connection.prepare_cached("SELECT id, log, log_size FROM audit_outbox_position")?;
        Ok(statement
            .query_row([], |row| Ok(Position { id: row.get(0)?, log: row.get(1)?, log_size: row.get(2)? }))?)
    }

    fn waiting(&self, limit: usize) -> Result<Vec<Row>, StoreError> {
        let connection = self.connection();
        let mut statement = connection
            .prepare_cached("SELECT sequence, entry FROM audit_outbox ORDER BY sequence LIMIT ?1")?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows =
            statement.query_map([limit], |row| Ok(Row { sequence: row.get(0)?, entry: row.get(1)? }))?;
        rows.map(|row| row.map_err(StoreError::from)).collect()
    }

    fn remove(&self, through: u64, log: &str, log_size: u64) -> Result<(), StoreError> {
        self.transact(|transaction| {
            transaction.execute("DELETE FROM audit_outbox WHERE sequence <= ?1", [through])?;
            transaction.execute(
                "UPDATE audit_outbox_position SET log = ?1, log_size = ?2",
                params![log, log_size],
            )?;
            Ok(())
        })
    }
}

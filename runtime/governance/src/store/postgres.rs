//! Tickets, approvals and their events in PostgreSQL.
//!
//! The surprising fact: every transaction locks the one row that numbers events, before anything else. So transactions come
//! one after the other, and their events in the order of their commits; what many clients need at once is one group commit.

use super::StoreError;
use crate::approval::Approval;
use crate::ledger::{Ledger, Records};
use crate::outbox::{self, AuditOutbox, Draft, Position, Row};
use govc_audit::event::random_id;
use postgres::{Client, NoTls, Transaction};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The tables, as in SQLite. The lock lets one client at a time make them.
const SCHEMA: &str = "
SELECT pg_advisory_xact_lock(7404161);
CREATE TABLE IF NOT EXISTS audit_outbox (sequence BIGINT PRIMARY KEY, entry TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS audit_outbox_position (
  single BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (single),
  id TEXT NOT NULL CHECK (length(id) = 32),
  sequence BIGINT NOT NULL DEFAULT 0,
  log TEXT,
  log_size BIGINT NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS burnt_tickets (ticket TEXT PRIMARY KEY, expires BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS tickets_forgotten (
  single BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (single),
  until BIGINT NOT NULL
);
INSERT INTO tickets_forgotten (until) VALUES (-9223372036854775808) ON CONFLICT DO NOTHING;
CREATE TABLE IF NOT EXISTS approvals (number BIGSERIAL PRIMARY KEY, id TEXT NOT NULL UNIQUE, approval TEXT NOT NULL);
";

/// Tickets and approvals in a database of a server. Threads share one; so may processes and machines, with one each.
pub struct PostgresLedger {
    client: Mutex<Client>,
    url: String,
}

impl PostgresLedger {
    /// Connects, and makes the tables where they are not there. The connection is not encrypted: a server elsewhere needs a
    /// tunnel.
    ///
    /// # Errors
    /// When the server cannot be reached, or does not sync what it acknowledges.
    pub fn connect(url: &str) -> Result<Self, StoreError> {
        Ok(Self { client: Mutex::new(connected(url)?), url: url.to_owned() })
    }

    /// The connection; a new one where the old one broke.
    fn client(&self) -> Result<MutexGuard<'_, Client>, StoreError> {
        // Transactions roll back when dropped, so a panic elsewhere leaves nothing half done.
        let mut client = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        if client.is_closed() {
            *client = connected(&self.url)?;
        }
        Ok(client)
    }
}

fn connected(url: &str) -> Result<Client, StoreError> {
    let mut client = Client::connect(url, NoTls)?;
    client.batch_execute("SET synchronous_commit = on")?;
    let syncs: String = client.query_one("SHOW fsync", &[])?.try_get(0)?;
    if syncs != "on" {
        return Err(StoreError::Database("the server does not sync what it acknowledges".to_owned()));
    }
    let mut transaction = client.transaction()?;
    transaction.batch_execute(SCHEMA)?;
    transaction.execute(
        "INSERT INTO audit_outbox_position (id) VALUES ($1) ON CONFLICT DO NOTHING",
        &[&random_id()],
    )?;
    transaction.commit()?;
    Ok(client)
}

/// The rows of a transaction that has the lock.
struct Rows<'t> {
    transaction: Transaction<'t>,
    id: String,
    sequence: i64,
}

impl<'t> Rows<'t> {
    fn begin(client: &'t mut Client) -> Result<Self, StoreError> {
        let mut transaction = client.transaction()?;
        let row = transaction.query_one("SELECT id, sequence FROM audit_outbox_position FOR UPDATE", &[])?;
        Ok(Self { id: row.try_get(0)?, sequence: row.try_get(1)?, transaction })
    }

    fn commit(mut self) -> Result<(), StoreError> {
        self.transaction.execute("UPDATE audit_outbox_position SET sequence = $1", &[&self.sequence])?;
        Ok(self.transaction.commit()?)
    }
}

impl Records for Rows<'_> {
    fn burn(&mut self, ticket: &str, expires: i64) -> Result<bool, StoreError> {
        let burnt = self.transaction.execute(
            "INSERT INTO burnt_tickets (ticket, expires)
             SELECT $1, $2 WHERE $2 > (SELECT until FROM tickets_forgotten)
             ON CONFLICT DO NOTHING",
            &[&ticket, &expires],
        )?;
        Ok(burnt == 1)
    }

    fn approval(&mut self, id: &str) -> Result<Option<Approval>, StoreError> {
        let found = self.transaction.query_opt("SELECT approval FROM approvals WHERE id = $1", &[&id])?;
        found.map(|row| Approval::stored(&row.try_get::<_, String>(0)?)).transpose()
    }

    fn put_approval(&mut self, approval: &Approval) -> Result<(), StoreError> {
        self.transaction.execute(
            "INSERT INTO approvals (id, approval) VALUES ($1, $2)
             ON CONFLICT (id) DO UPDATE SET approval = excluded.approval",
            &[&approval.id, &approval.to_store()?],
        )?;
        Ok(())
    }

    fn put_event(&mut self, event: &Draft) -> Result<String, StoreError> {
        let next = self.sequence + 1;
        let name = outbox::name(&self.id, next.unsigned_abs());
        self.transaction.execute(
            "INSERT INTO audit_outbox (sequence, entry) VALUES ($1, $2)",
            &[&next, &event.named(&name)],
        )?;
        self.sequence = next;
        Ok(name)
    }
}

impl Ledger for PostgresLedger {
    fn transact(
        &self,
        work: &mut dyn FnMut(&mut dyn Records) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut client = self.client()?;
        let mut rows = Rows::begin(&mut client)?;
        work(&mut rows)?;
        rows.commit()
    }

    fn approvals(&self) -> Result<Vec<Approval>, StoreError> {
        let rows = self.client()?.query("SELECT approval FROM approvals ORDER BY number", &[])?;
        rows.iter().map(|row| Approval::stored(&row.try_get::<_, String>(0)?)).collect()
    }

    fn forget_tickets(&self, until: i64) -> Result<(), StoreError> {
        let mut client = self.client()?;
        let mut rows = Rows::begin(&mut client)?;
        rows.transaction.execute("UPDATE tickets_forgotten SET until = greatest(until, $1)", &[&until])?;
        rows.transaction.execute("DELETE FROM burnt_tickets WHERE expires <= $1", &[&until])?;
        rows.commit()
    }
}

impl AuditOutbox for PostgresLedger {
    fn position(&self) -> Result<Position, StoreError> {
        let row = self.client()?.query_one("SELECT id, log, log_size FROM audit_outbox_position", &[])?;
        let log_size = row.try_get::<_, i64>(2)?.unsigned_abs();
        Ok(Position { id: row.try_get(0)?, log: row.try_get(1)?, log_size })
    }

    fn waiting(&self, limit: usize) -> Result<Vec<Row>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let query = "SELECT sequence, entry FROM audit_outbox ORDER BY sequence LIMIT $1";
        let rows = self.client()?.query(query, &[&limit])?;
        let row = |row: &postgres::Row| {
            Ok(Row { sequence: row.try_get::<_, i64>(0)?.unsigned_abs(), entry: row.try_get(1)? })
        };
        rows.iter().map(row).collect()
    }

    fn remove(&self, through: u64, log: &str, log_size: u64) -> Result<(), StoreError> {
        let number =
            |number: u64| i64::try_from(number).map_err(|error| StoreError::Corrupt(error.to_string()));
        let (through, log_size) = (number(through)?, number(log_size)?);
        let mut client = self.client()?;
        let mut rows = Rows::begin(&mut client)?;
        rows.transaction.execute("DELETE FROM audit_outbox WHERE sequence <= $1", &[&through])?;
        rows.transaction
            .execute("UPDATE audit_outbox_position SET log = $1, log_size = $2", &[&log, &log_size])?;
        rows.commit()
    }
}

impl From<postgres::Error> for StoreError {
    fn from(error: postgres::Error) -> Self {
        // What the server said, where it said something.
        let said = error.as_db_error().map(ToString::to_string);
        Self::Database(said.unwrap_or_else(|| error.to_string()))
    }
}

impl fmt::Debug for PostgresLedger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The address may hold a password.
        f.debug_struct("PostgresLedger").finish_non_exhaustive()
    }
}

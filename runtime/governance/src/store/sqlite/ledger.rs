//! Tickets and approvals, in SQLite's words.

use super::outbox::put_draft;
use super::{SqliteStore, StoreError};
use crate::approval::Approval;
use crate::ledger::{Ledger, Records};
use crate::outbox::Draft;
use rusqlite::{Connection, OptionalExtension, Transaction, params};

/// The tables. Tickets that ended at `tickets_forgotten.until` or before are not remembered, and count as burnt.
const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS burnt_tickets (
  ticket TEXT PRIMARY KEY,
  expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tickets_forgotten (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  until INTEGER NOT NULL
) STRICT;
INSERT OR IGNORE INTO tickets_forgotten (only, until) VALUES (1, -9223372036854775808);
CREATE TABLE IF NOT EXISTS approvals (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  approval TEXT NOT NULL
) STRICT;
";

/// Makes the tables where they are not there.
pub(super) fn prepare(connection: &Connection) -> Result<(), StoreError> {
    Ok(connection.execute_batch(&format!("BEGIN IMMEDIATE; {SCHEMA} COMMIT;"))?)
}

struct Rows<'t>(&'t Transaction<'t>);

impl Records for Rows<'_> {
    fn burn(&mut self, ticket: &str, expires: i64) -> Result<bool, StoreError> {
        let mut insert = self.0.prepare_cached(
            "INSERT INTO burnt_tickets (ticket, expires)
             SELECT ?1, ?2 WHERE ?2 > (SELECT until FROM tickets_forgotten)
             ON CONFLICT DO NOTHING",
        )?;
        Ok(insert.execute(params![ticket, expires])? == 1)
    }

    fn approval(&mut self, id: &str) -> Result<Option<Approval>, StoreError> {
        let mut select = self.0.prepare_cached("SELECT approval FROM approvals WHERE id = ?1")?;
        let found: Option<String> = select.query_row([id], |row| row.get(0)).optional()?;
        found.map(|text| Approval::stored(&text)).transpose()
    }

    fn put_approval(&mut self, approval: &Approval) -> Result<(), StoreError> {
        let mut insert = self.0.prepare_cached(
            "INSERT INTO approvals (id, approval) VALUES (?1, ?2)
             ON CONFLICT (id) DO UPDATE SET approval = excluded.approval",
        )?;
        insert.execute(params![approval.id, approval.to_store()?])?;
        Ok(())
    }

    fn put_event(&mut self, event: &Draft) -> Result<String, StoreError> {
        put_draft(self.0, event)
    }
}

impl Ledger for SqliteStore {
    fn transact(
        &self,
        work: &mut dyn FnMut(&mut dyn Records) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        SqliteStore::transact(self, |transaction| work(&mut Rows(transaction)))
    }

    fn approvals(&self) -> Result<Vec<Approval>, StoreError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached("SELECT approval FROM approvals ORDER BY number")?;
        let texts = statement.query_map([], |row| row.get::<_, String>(0))?;
        texts.map(|text| Approval::stored(&text?)).collect()
    }

    fn forget_tickets(&self, until: i64) -> Result<(), StoreError> {
        SqliteStore::transact(self, |transaction| {
            transaction.execute("UPDATE tickets_forgotten SET until = max(until, ?1)", [until])?;
            transaction.execute("DELETE FROM burnt_tickets WHERE expires <= ?1", [until])?;
            Ok(())
        })
    }
}

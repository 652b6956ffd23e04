//! Events that wait on the disk: `persist: true`. They survive the process, and the power.
//!
//! The surprising fact: the answer to a request waits until its decision is synced. A decision that cannot be kept is
//! not given.

use super::queue::{Load, Queue, Room};
use rusqlite::{Connection, params};
use std::path::Path;
use std::sync::Arc;

const SCHEMA: &str = "
PRAGMA locking_mode = EXCLUSIVE;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
CREATE TABLE IF NOT EXISTS events (number INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL) STRICT;
";

/// Bytes that may wait where the configuration sets no limit.
const USUAL_BYTES: usize = 1 << 30;

/// A queue in an SQLite file, for one process at a time.
#[derive(Debug)]
pub(super) struct OnDisk {
    connection: Connection,
    load: Load,
    room: Room,
}

fn told(error: rusqlite::Error) -> String {
    format!("decision log on the disk: {error}")
}

impl OnDisk {
    /// The queue in a folder, which is made where it is not there.
    ///
    /// # Errors
    /// When the folder cannot be written, or another process has the queue.
    pub(super) fn open(folder: &Path, room: Room) -> Result<Self, String> {
        std::fs::create_dir_all(folder)
            .map_err(|error| format!("decision log in {}: {error}", folder.display()))?;
        let connection = Connection::open(folder.join("events.db")).map_err(told)?;
        connection.execute_batch(SCHEMA).map_err(told)?;
        let waiting = "SELECT count(*), coalesce(sum(octet_length(event)), 0) FROM events";
        let load = connection.query_row(waiting, [], |row| {
            Ok(Load { events: row.get::<_, i64>(0)? as usize, bytes: row.get::<_, i64>(1)? as usize })
        });
        let bytes = if room.bytes == 0 { USUAL_BYTES } else { room.bytes };
        Ok(Self { load: load.map_err(told)?, connection, room: Room { bytes, ..room } })
    }

    fn oldest(&self) -> rusqlite::Result<(i64, usize)> {
        let oldest = "SELECT number, octet_length(event) FROM events ORDER BY number LIMIT 1";
        self.connection.query_row(oldest, [], |row| Ok((row.get(0)?, row.get::<_, i64>(1)? as usize)))
    }

    /// Adds an event and removes what it pushes out, in one transaction, and gives what waits then.
    fn insert(&self, event: &str) -> rusqlite::Result<Load> {
        let transaction = self.connection.unchecked_transaction()?;
        transaction.execute("INSERT INTO events (event) VALUES (?1)", [event])?;
        let mut load = self.load;
        load.add(event.len());
        while self.room.is_exceeded(load) {
            let (number, bytes) = self.oldest()?;
            transaction.execute("DELETE FROM events WHERE number = ?1", [number])?;
            load.subtract(bytes);
        }
        transaction.commit()?;
        Ok(load)
    }

    fn delete(&self, through: u64) -> rusqlite::Result<Load> {
        let through = i64::try_from(through).unwrap_or(i64::MAX);
        let gone = "DELETE FROM events WHERE number <= ?1 RETURNING octet_length(event)";
        let mut load = self.load;
        let mut statement = self.connection.prepare_cached(gone)?;
        for bytes in statement.query_map(params![through], |row| row.get::<_, i64>(0))? {
            load.subtract(bytes? as usize);
        }
        Ok(load)
    }

    fn oldest_events(&self, bytes: usize) -> rusqlite::Result<Vec<(u64, Arc<str>)>> {
        let mut statement =
            self.connection.prepare_cached("SELECT number, event FROM events ORDER BY number")?;
        let mut rows = statement.query([])?;
        let (mut found, mut used) = (Vec::new(), 0_usize);
        while let Some(row) = rows.next()? {
            let event: Arc<str> = row.get(1)?;
            used = used.saturating_add(event.len());
            if used > bytes && !found.is_empty() {
                break;
            }
            found.push((row.get::<_, i64>(0)?.unsigned_abs(), event));
        }
        Ok(found)
    }
}

impl Queue for OnDisk {
    fn push(&mut self, event: &str) -> Result<(), String> {
        self.load = self.insert(event).map_err(told)?;
        Ok(())
    }

    fn front(&self, bytes: usize) -> Result<Vec<(u64, Arc<str>)>, String> {
        self.oldest_events(bytes).map_err(told)
    }

    fn remove(&mut self, through: u64) -> Result<(), String> {
        self.load = self.delete(through).map_err(told)?;
        Ok(())
    }

    fn load(&self) -> Load {
        self.load
    }
}

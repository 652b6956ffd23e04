//! Stores that earlier versions have made, step by step to the tables of this one.
//!
//! The surprising fact: a store has a number only since there was a first step. One without may be new, old or in between, so
//! the first step looks at the columns themselves.

use super::StoreError;
use rusqlite::{Connection, TransactionBehavior};

/// The number of the tables as they are made now.
const VERSION: i64 = 1;

/// Columns that proofs had not when each had a signature of its own; before them, the policies' name was not kept with the proof.
const SHARED_SIGNATURES: &str = "
ALTER TABLE agent_proofs ADD COLUMN policy_set TEXT NOT NULL DEFAULT '';
ALTER TABLE agent_proofs ADD COLUMN input_id INTEGER REFERENCES proof_inputs(id);
ALTER TABLE agent_proofs ADD COLUMN batch_id INTEGER REFERENCES proof_batches(id);
ALTER TABLE agent_proofs ADD COLUMN leaf INTEGER;
ALTER TABLE agent_proofs ADD COLUMN path BLOB;
ALTER TABLE agent_proofs ADD COLUMN input_at INTEGER;
UPDATE agent_proofs SET policy_set = coalesce(
  (SELECT v.policy_set FROM policy_versions v WHERE v.hash = agent_proofs.policy_hash ORDER BY v.id DESC LIMIT 1), '');
";

/// Takes a store, all of whose tables are there, to the tables of this version.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    // Whoever else opens the store at the same time waits, and finds it done.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found > VERSION {
        let why = format!("it has version {found}, and {VERSION} is the newest that is known here");
        return Err(StoreError::Database(why));
    }
    if found < VERSION {
        if !has_column(&transaction, "agent_proofs", "policy_set")? {
            transaction.execute_batch(SHARED_SIGNATURES)?;
        }
        transaction.pragma_update(None, "user_version", VERSION)?;
    }
    Ok(transaction.commit()?)
}

fn has_column(connection: &Connection, table: &str, column: &str) -> Result<bool, StoreError> {
    let count = "SELECT count(*) FROM pragma_table_info(?1) WHERE name = ?2";
    let found: i64 = connection.query_row(count, [table, column], |row| row.get(0))?;
    Ok(found > 0)
}

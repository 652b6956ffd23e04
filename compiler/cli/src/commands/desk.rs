//! `--store` and `--now`: the file in which governance keeps what it knows, and the time at which something happens.

use crate::policies;
use crate::problem::Problem;
use clap::Args;
use govc_governance::store::SqliteStore;
use std::sync::Arc;

/// Where and when.
#[derive(Args, Debug)]
pub(crate) struct Desk {
    /// File of the store; made when it does not exist
    #[arg(long, value_name = "FILE")]
    store: String,
    /// Time, RFC 3339
    #[arg(long, value_name = "TIME")]
    now: Option<String>,
}

impl Desk {
    /// The store, to be shared.
    pub(crate) fn store(&self) -> Result<Arc<SqliteStore>, Problem> {
        self.own_store().map(Arc::new)
    }

    pub(crate) fn own_store(&self) -> Result<SqliteStore, Problem> {
        store(&self.store)
    }

    pub(crate) fn now(&self) -> Result<i64, Problem> {
        policies::now(self.now.as_deref())
    }
}

/// Opens a store.
pub(crate) fn store(path: &str) -> Result<SqliteStore, Problem> {
    SqliteStore::open(path).map_err(|error| Problem::coded(error.code(), format!("{path}: {error}")))
}

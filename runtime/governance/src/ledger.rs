//! The durable side of tickets and approvals.
//!
//! The surprising fact: a store knows nothing of their rules. It keeps rows and commits; what may follow what is told by
//! pure functions of [`approval`](crate::approval), which a model test explores without a store.

use crate::approval::Approval;
use crate::outbox::{AuditOutbox, Draft};
use crate::store::StoreError;

/// Rows of a transaction.
pub trait Records {
    /// Burns a ticket that is good until `expires`. False when it was burnt before, or so long ago that nobody remembers.
    ///
    /// # Errors
    /// When the database fails.
    fn burn(&mut self, ticket: &str, expires: i64) -> Result<bool, StoreError>;

    /// An approval, which nobody else changes until the transaction ends.
    ///
    /// # Errors
    /// When the database fails or the row is damaged.
    fn approval(&mut self, id: &str) -> Result<Option<Approval>, StoreError>;

    /// Stores an approval in place of what it was.
    ///
    /// # Errors
    /// When the database fails.
    fn put_approval(&mut self, approval: &Approval) -> Result<(), StoreError>;

    /// Leaves an event for the audit log, and gives the name that it gets.
    ///
    /// # Errors
    /// When the database fails.
    fn put_event(&mut self, event: &Draft) -> Result<String, StoreError>;
}

/// A store of burnt tickets, approvals, and the events of both.
pub trait Ledger: AuditOutbox + Send + Sync {
    /// Runs one transaction. When this returns, what `work` did is durable as a whole or, after an error of `work`, not done.
    /// After an error of the database nobody knows which of both.
    ///
    /// # Errors
    /// When `work` gives one, or the database fails.
    fn transact(
        &self,
        work: &mut dyn FnMut(&mut dyn Records) -> Result<(), StoreError>,
    ) -> Result<(), StoreError>;

    /// All approvals, oldest first.
    ///
    /// # Errors
    /// When the database fails or a row is damaged.
    fn approvals(&self) -> Result<Vec<Approval>, StoreError>;

    /// Forgets tickets that ended at a time or before. From then on every ticket that ends so early counts as burnt, so
    /// that a clock which goes back revives none.
    ///
    /// # Errors
    /// When the database fails.
    fn forget_tickets(&self, until: i64) -> Result<(), StoreError>;
}

/// Runs a transaction that gives something.
pub(crate) fn transact<T>(
    ledger: &dyn Ledger,
    mut work: impl FnMut(&mut dyn Records) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let mut result = None;
    ledger.transact(&mut |records| {
        result = Some(work(records)?);
        Ok(())
    })?;
    result.ok_or_else(|| StoreError::Database("the transaction was not run".to_owned()))
}

//! Group commit: who waits commits for all.
//!
//! The surprising fact: the one who commits first waits a moment for those whom the last commit woke. Without
//! it a crowd falls into two halves that take turns, and each sync serves only one of them.

use super::batch::{Batch, Outcome};
use super::entries::ENTRY_LIMIT;
use super::error::LogError;
use super::lock;
use super::writer::Committed;
use crate::merkle::leaf_hash;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The longest that a commit waits for more events.
const PATIENCE: Duration = Duration::from_millis(2);

/// The longest where the disk is fast: a crowd wakes no faster for it.
const LEAST_PATIENCE: Duration = Duration::from_millis(1);

/// Events of the last commit from which it was one of a crowd.
const CROWD: usize = 64;

#[derive(Debug)]
struct State {
    batch: Batch,
    committing: bool,
    /// The size of a batch for which the one who commits is waiting.
    wanted: usize,
    last_count: usize,
    last_took: Duration,
}

#[derive(Debug)]
pub(crate) struct Group {
    state: Mutex<State>,
    gathered: Condvar,
    room: Condvar,
    limit: usize,
}

impl Group {
    pub(crate) fn new(limit: usize) -> Self {
        let state = State {
            batch: Batch::default(),
            committing: false,
            wanted: usize::MAX,
            last_count: 0,
            last_took: Duration::ZERO,
        };
        Self { state: Mutex::new(state), gathered: Condvar::new(), room: Condvar::new(), limit }
    }

    /// Adds an event to the next batch. When that is full, commits it or waits for who does.
    pub(crate) fn submit(
        &self,
        entry: &[u8],
        commit: impl Fn(&Batch) -> Result<Committed, LogError>,
    ) -> Result<(Arc<Outcome>, u64), LogError> {
        if entry.len() > ENTRY_LIMIT {
            return Err(LogError::TooLarge { given: entry.len(), limit: ENTRY_LIMIT });
        }
        let leaf = leaf_hash(entry);
        let mut state = lock(&self.state);
        while state.batch.entries().len() + entry.len() + 2 > self.limit && !state.batch.is_empty() {
            state = if state.committing { wait(&self.room, state) } else { self.lead(state, &commit) };
        }
        let place = state.batch.push(entry, leaf)?;
        if state.batch.leaves().len() >= state.wanted {
            state.wanted = usize::MAX;
            self.gathered.notify_one();
        }
        Ok((state.batch.outcome.clone(), place))
    }

    /// Waits for the outcome of a batch, committing while nobody else does.
    pub(crate) fn wait(
        &self,
        outcome: &Outcome,
        commit: impl Fn(&Batch) -> Result<Committed, LogError>,
    ) -> Result<Committed, LogError> {
        if let Some(result) = outcome.result.get() {
            return result.clone();
        }
        let mut state = lock(&self.state);
        loop {
            if let Some(result) = outcome.result.get() {
                return result.clone();
            }
            state = if state.committing { wait(&outcome.settled, state) } else { self.lead(state, &commit) };
        }
    }

    /// Commits what was handed in and nobody waits for.
    pub(crate) fn flush(&self, commit: impl Fn(&Batch) -> Result<Committed, LogError>) {
        let mut state = lock(&self.state);
        while !state.batch.is_empty() {
            state = if state.committing { wait(&self.room, state) } else { self.lead(state, &commit) };
        }
    }

    /// Commits the batch; others meanwhile fill the next.
    fn lead<'s>(
        &'s self,
        mut state: MutexGuard<'s, State>,
        commit: &impl Fn(&Batch) -> Result<Committed, LogError>,
    ) -> MutexGuard<'s, State> {
        state.committing = true;
        let mut state = self.gather(state);
        let batch = std::mem::take(&mut state.batch);
        drop(state);
        let start = Instant::now();
        let result = commit(&batch);
        let took = start.elapsed();
        let mut state = lock(&self.state);
        // Only the one who took the batch settles it.
        let _ = batch.outcome.result.set(result);
        state.committing = false;
        state.last_took = took;
        state.last_count = batch.leaves().len();
        batch.outcome.settled.notify_all();
        state.batch.outcome.settled.notify_one();
        self.room.notify_all();
        state
    }

    /// Waits until as many events are there as the last commit had, a quarter of its time at most,
    /// or what a crowd needs to wake.
    fn gather<'s>(&self, mut state: MutexGuard<'s, State>) -> MutexGuard<'s, State> {
        let least = if state.last_count >= CROWD { LEAST_PATIENCE } else { Duration::ZERO };
        let until = Instant::now() + (state.last_took / 4).clamp(least, PATIENCE);
        while state.last_count > 1 && state.batch.leaves().len() < state.last_count {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state.wanted = state.last_count;
            state = self.gathered.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.wanted = usize::MAX;
        state
    }
}

fn wait<'s, T>(condition: &Condvar, guard: MutexGuard<'s, T>) -> MutexGuard<'s, T> {
    condition.wait(guard).unwrap_or_else(PoisonError::into_inner)
}

//! Group commit: who waits commits for all who wait.
//!
//! The surprising fact: no thread of its own does the work, and the one who commits first waits a moment for those whom the
//! last commit woke. Without the first a single caller would pay for a hand-over; without the second a crowd falls into two
//! halves that take turns, and each sync serves only one of them.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// The longest that a commit waits for more to come.
const PATIENCE: Duration = Duration::from_millis(2);

/// The longest where the disk is fast: a crowd wakes no faster for it.
const LEAST_PATIENCE: Duration = Duration::from_millis(1);

/// Number in the last commit from which it was one of a crowd.
const CROWD: usize = 64;

/// What is committed together, in the order in which it came.
pub trait Batch: Default {
    /// How many are in it.
    fn count(&self) -> usize;
}

impl<T> Batch for Vec<T> {
    fn count(&self) -> usize {
        self.len()
    }
}

/// What became of a batch, for all who wait for it: nothing when the commit panicked.
struct Outcome<R> {
    result: OnceLock<Option<R>>,
    settled: Condvar,
}

impl<R> Default for Outcome<R> {
    fn default() -> Self {
        Self { result: OnceLock::new(), settled: Condvar::new() }
    }
}

/// The right to hear what became of a batch.
pub struct Joined<R>(Arc<Outcome<R>>);

struct State<B, R> {
    batch: B,
    outcome: Arc<Outcome<R>>,
    committing: bool,
    /// The size of a batch for which the one who commits is waiting.
    wanted: usize,
    last_count: usize,
    last_took: Duration,
}

/// Gathers what many threads hand in into batches of `B`, whose commits give an `R` each.
///
/// ```
/// use govc_audit::group::Group;
/// let group = Group::<Vec<&str>, usize>::default();
/// let commit = |batch: &Vec<&str>| batch.len();
/// let ((), joined) = group.join(|_| false, |batch| batch.push("event"), commit);
/// assert_eq!(group.wait(&joined, commit), Some(1));
/// ```
pub struct Group<B, R> {
    state: Mutex<State<B, R>>,
    gathered: Condvar,
    room: Condvar,
}

impl<B: Batch, R> Default for Group<B, R> {
    fn default() -> Self {
        let state = State {
            batch: B::default(),
            outcome: Arc::default(),
            committing: false,
            wanted: usize::MAX,
            last_count: 0,
            last_took: Duration::ZERO,
        };
        Self { state: Mutex::new(state), gathered: Condvar::new(), room: Condvar::new() }
    }
}

impl<B: Batch, R: Clone> Group<B, R> {
    /// Hands something in: `add` puts it into the next batch. A batch that `is_full` is committed before, or its commit waited
    /// for.
    pub fn join<T>(
        &self,
        is_full: impl Fn(&B) -> bool,
        add: impl FnOnce(&mut B) -> T,
        commit: impl Fn(&B) -> R,
    ) -> (T, Joined<R>) {
        let mut state = self.lock();
        while state.batch.count() > 0 && is_full(&state.batch) {
            state = if state.committing { wait(&self.room, state) } else { self.lead(state, &commit) };
        }
        let added = add(&mut state.batch);
        if state.batch.count() >= state.wanted {
            state.wanted = usize::MAX;
            self.gathered.notify_one();
        }
        (added, Joined(state.outcome.clone()))
    }

    /// Waits until a batch is committed, committing while nobody else does; `None` when the one who did panicked.
    pub fn wait(&self, joined: &Joined<R>, commit: impl Fn(&B) -> R) -> Option<R> {
        let Joined(outcome) = joined;
        if let Some(result) = outcome.result.get() {
            return result.clone();
        }
        let mut state = self.lock();
        loop {
            if let Some(result) = outcome.result.get() {
                return result.clone();
            }
            state = if state.committing { wait(&outcome.settled, state) } else { self.lead(state, &commit) };
        }
    }

    /// Commits what was handed in and nobody waits for.
    pub fn flush(&self, commit: impl Fn(&B) -> R) {
        let mut state = self.lock();
        while state.batch.count() > 0 {
            state = if state.committing { wait(&self.room, state) } else { self.lead(state, &commit) };
        }
    }

    /// Commits the batch; others meanwhile fill the next.
    fn lead<'s>(
        &'s self,
        mut state: MutexGuard<'s, State<B, R>>,
        commit: &impl Fn(&B) -> R,
    ) -> MutexGuard<'s, State<B, R>> {
        state.committing = true;
        let mut state = self.gather(state);
        let batch = std::mem::take(&mut state.batch);
        let outcome = std::mem::take(&mut state.outcome);
        drop(state);
        let turn = Turn { group: self, outcome, count: batch.count(), start: Instant::now() };
        // Only the one who took the batch settles it.
        let _ = turn.outcome.result.set(Some(commit(&batch)));
        drop(turn);
        self.lock()
    }

    /// Waits until as many are there as the last commit had, a quarter of its time at most, or what a crowd needs to wake.
    fn gather<'s>(&'s self, mut state: MutexGuard<'s, State<B, R>>) -> MutexGuard<'s, State<B, R>> {
        let least = if state.last_count >= CROWD { LEAST_PATIENCE } else { Duration::ZERO };
        let until = Instant::now() + (state.last_took / 4).clamp(least, PATIENCE);
        while state.last_count > 1 && state.batch.count() < state.last_count {
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

impl<B, R> Group<B, R> {
    fn lock(&self) -> MutexGuard<'_, State<B, R>> {
        // Nothing here is left half done by a panic: what a thread changes it changes at once.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The turn of the one who commits. It ends even if he panics; then those who waited with him hear of no result.
struct Turn<'g, B, R> {
    group: &'g Group<B, R>,
    outcome: Arc<Outcome<R>>,
    count: usize,
    start: Instant,
}

impl<B, R> Drop for Turn<'_, B, R> {
    fn drop(&mut self) {
        let took = self.start.elapsed();
        let mut state = self.group.lock();
        // Where there is a result, it stays.
        let _ = self.outcome.result.set(None);
        state.committing = false;
        state.last_took = took;
        state.last_count = self.count;
        self.outcome.settled.notify_all();
        state.outcome.settled.notify_one();
        self.group.room.notify_all();
    }
}

fn wait<'s, T>(condition: &Condvar, guard: MutexGuard<'s, T>) -> MutexGuard<'s, T> {
    condition.wait(guard).unwrap_or_else(PoisonError::into_inner)
}

impl<B, R> fmt::Debug for Group<B, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group").finish_non_exhaustive()
    }
}

impl<R> fmt::Debug for Joined<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Joined").finish_non_exhaustive()
    }
}

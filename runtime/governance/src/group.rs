//! Group commit: who waits commits for all who wait.
//!
//! The surprising fact: no thread of its own does the work. The first who comes takes what is there and commits it; whoever
//! comes meanwhile fills the next batch. So one caller pays for no hand-over, and a crowd shares one sync of the disk.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// The longest that a commit waits for those whom the last one woke. Without it a crowd falls into two halves that take
/// turns, and each sync serves only one of them.
const PATIENCE: Duration = Duration::from_millis(2);

/// What became of a batch.
struct Batch<R, E> {
    answers: OnceLock<Result<Vec<R>, E>>,
    settled: Condvar,
}

struct State<T, R, E> {
    items: Vec<T>,
    batch: Arc<Batch<R, E>>,
    committing: bool,
    /// The number of items for which the one who commits is waiting.
    wanted: usize,
    last_count: usize,
    last_took: Duration,
}

/// Gathers items of many threads into batches.
pub(crate) struct Group<T, R, E> {
    state: Mutex<State<T, R, E>>,
    gathered: Condvar,
}

impl<R, E> Batch<R, E> {
    fn new() -> Arc<Self> {
        Arc::new(Self { answers: OnceLock::new(), settled: Condvar::new() })
    }

    /// The answer to one item, once there are answers. A commit that gave too few fails nobody else: `None` is the caller's.
    fn answer(&self, place: usize) -> Option<Result<Option<R>, E>>
    where
        R: Clone,
        E: Clone,
    {
        let answers = self.answers.get()?;
        Some(answers.as_ref().map(|answers| answers.get(place).cloned()).map_err(E::clone))
    }
}

impl<T, R: Clone, E: Clone> Group<T, R, E> {
    pub(crate) fn new() -> Self {
        let state = State {
            items: Vec::new(),
            batch: Batch::new(),
            committing: false,
            wanted: usize::MAX,
            last_count: 0,
            last_took: Duration::ZERO,
        };
        Self { state: Mutex::new(state), gathered: Condvar::new() }
    }

    /// Hands in an item and gives its answer; `None` when the commit has none for it. `commit` gets a batch and gives as many
    /// answers, or one error for all.
    pub(crate) fn run(
        &self,
        item: T,
        commit: impl FnOnce(Vec<T>) -> Result<Vec<R>, E>,
    ) -> Result<Option<R>, E> {
        let mut state = lock(&self.state);
        let (batch, place) = (state.batch.clone(), state.items.len());
        state.items.push(item);
        if state.items.len() >= state.wanted {
            state.wanted = usize::MAX;
            self.gathered.notify_one();
        }
        while state.committing {
            state = batch.settled.wait(state).unwrap_or_else(PoisonError::into_inner);
            if let Some(answer) = batch.answer(place) {
                return answer;
            }
        }
        self.lead(state, commit);
        // The one who leads has settled his own batch.
        batch.answer(place).unwrap_or(Ok(None))
    }

    /// Commits the batch; others meanwhile fill the next.
    fn lead(
        &self,
        mut state: MutexGuard<'_, State<T, R, E>>,
        commit: impl FnOnce(Vec<T>) -> Result<Vec<R>, E>,
    ) {
        state.committing = true;
        let mut state = self.gather(state);
        let items = std::mem::take(&mut state.items);
        let batch = std::mem::replace(&mut state.batch, Batch::new());
        drop(state);
        let _turn = Turn { group: self, batch: batch.clone(), count: items.len(), start: Instant::now() };
        // Only the one who took the batch settles it.
        let _ = batch.answers.set(commit(items));
    }

    fn gather<'s>(&self, mut state: MutexGuard<'s, State<T, R, E>>) -> MutexGuard<'s, State<T, R, E>> {
        let until = Instant::now() + (state.last_took / 2).min(PATIENCE);
        while state.last_count > 1 && state.items.len() < state.last_count {
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

/// The turn of the one who commits. It ends even if he panics; then those who waited with him have no answer.
struct Turn<'g, T, R, E> {
    group: &'g Group<T, R, E>,
    batch: Arc<Batch<R, E>>,
    count: usize,
    start: Instant,
}

impl<T, R, E> Drop for Turn<'_, T, R, E> {
    fn drop(&mut self) {
        let mut state = lock(&self.group.state);
        state.committing = false;
        state.last_count = self.count;
        state.last_took = self.start.elapsed();
        state.batch.settled.notify_one();
        self.batch.settled.notify_all();
    }
}

impl<T, R, E> fmt::Debug for Group<T, R, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group").finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing here is left half done by a panic: what a thread changes it changes at once.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

//! Many things of one kind at once, on several threads with large stacks.
//!
//! Results come in the order of the things, whoever has done them.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// With fewer things a further thread costs more than it saves.
const FEW: usize = 16;

/// Bytes of stack of a thread; only what is touched is ever backed by memory.
const STACK: usize = 1 << 30;

/// As many threads as the machine runs at once.
pub(crate) fn processors() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

/// Does `one` for each number below `count`, on at most so many threads; each thread keeps a state that `fresh` makes.
pub(crate) fn each<S, T: Send>(
    count: usize,
    threads: usize,
    fresh: impl Fn() -> S + Sync,
    one: impl Fn(&mut S, usize) -> T + Sync,
) -> Vec<T> {
    let threads = threads.min(count / FEW + 1);
    if threads < 2 {
        let mut state = fresh();
        return (0..count).map(|at| one(&mut state, at)).collect();
    }
    let next = AtomicUsize::new(0);
    let work = || -> Vec<(usize, T)> {
        let mut state = fresh();
        let take = || {
            let at = next.fetch_add(1, Ordering::Relaxed);
            (at < count).then(|| (at, one(&mut state, at)))
        };
        std::iter::from_fn(take).collect()
    };
    let mut done = thread::scope(|scope| {
        let spawn = |_| thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work).ok();
        let helpers: Vec<_> = (1..threads).filter_map(spawn).collect();
        let mut all = work();
        for helper in helpers {
            match helper.join() {
                Ok(found) => all.extend(found),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    });
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn results_come_in_order() {
        let found = super::each(
            1000,
            4,
            || 0,
            |seen, at| {
                *seen += 1;
                (at * 2, *seen > 0)
            },
        );
        assert_eq!(found, (0..1000).map(|at| (at * 2, true)).collect::<Vec<_>>());
    }
}

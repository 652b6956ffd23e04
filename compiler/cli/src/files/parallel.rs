//! Parsing of many files at once, on as many threads as the machine has.
//!
//! Results come in the order of the files, whoever has parsed them.

use govc_syntax::{FileId, ParseOptions, Parsed, Sources, ast, parse_module};
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// With fewer files a second thread costs more than it saves.
const FEW: usize = 16;

/// Bytes of stack of a thread; only what is touched is ever backed by memory.
const STACK: usize = 1 << 30;

/// A file and its tree, by position.
type One = (usize, Parsed<ast::Module>);

/// Parses files.
pub(super) fn parse(sources: &Sources, files: &[FileId], options: &ParseOptions) -> Vec<Parsed<ast::Module>> {
    let one = |file: FileId| parse_module(file, &sources.get(file).text, options);
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(files.len() / FEW + 1);
    if threads < 2 {
        return files.iter().map(|&file| one(file)).collect();
    }
    let next = AtomicUsize::new(0);
    let work = || -> Vec<One> {
        let take = || {
            let at = next.fetch_add(1, Ordering::Relaxed);
            files.get(at).map(|&file| (at, one(file)))
        };
        std::iter::from_fn(take).collect()
    };
    let mut parsed = thread::scope(|scope| {
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
    parsed.sort_by_key(|(i, _)| *i);
    parsed.into_iter().map(|(_, parsed)| parsed).collect()
}

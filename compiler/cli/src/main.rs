//! The `govc` command: all the input and output that the compiler and the engine do not do.
//!
//! Everything but the parsing of many files and the running of many tests happens on one thread with a large stack, because policies may nest deeper than the system's default
//! stack allows, and a panic anywhere becomes an error message with a code.

mod agent_safe;
mod capture;
mod commands;
mod coverage;
mod duration;
mod emit;
mod exit;
mod files;
#[cfg_attr(not(feature = "server"), expect(dead_code, reason = "only the server asks for parts of texts"))]
mod go_json;
mod keys;
mod language;
mod measure;
mod metrics;
mod output;
mod parallel;
mod policies;
mod problem;
mod record;
mod releases;
mod render;
mod repl;
mod run;
#[cfg(feature = "server")]
mod server;
#[cfg(not(feature = "server"))]
#[path = "server_absent.rs"]
mod server;
mod table;
mod telling;
mod watch;
mod world;

use std::process::ExitCode;

/// Compiling makes many small things; the system's allocator spends a quarter of a run on them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Bytes of stack; only what is touched is ever backed by memory.
const STACK: usize = 1 << 30;

fn main() -> ExitCode {
    capture::silence_panics();
    let worker = std::thread::Builder::new().stack_size(STACK).spawn(commands::main);
    match worker.map(std::thread::JoinHandle::join) {
        Ok(Ok(exit)) => exit.into(),
        Ok(Err(_)) => capture::report_panic().into(),
        Err(error) => {
            output::eprintln(&format!("cannot start: {error}"));
            exit::Exit::Error.into()
        }
    }
}

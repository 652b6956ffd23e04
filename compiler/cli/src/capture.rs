//! The last resort: a panic is a defect of govc, and the caller still gets JSON and an exit code.

use crate::exit::Exit;
use crate::output;
use crate::problem::{Problem, errors_node};
use std::sync::Mutex;

static LAST: Mutex<String> = Mutex::new(String::new());

/// Keeps the text of a panic instead of printing it.
pub(crate) fn silence_panics() {
    std::panic::set_hook(Box::new(|info| {
        if let Ok(mut last) = LAST.lock() {
            *last = info.to_string().replace('\n', " ");
        }
    }));
}

/// Prints the kept text as an error with a code.
pub(crate) fn report_panic() -> Exit {
    let text = LAST.lock().map_or_else(|_| String::new(), |last| last.clone());
    let problem = Problem::coded("govc_internal_error", format!("this is a defect of govc: {text}"));
    output::println(&errors_node(&[problem]).pretty());
    Exit::Error
}

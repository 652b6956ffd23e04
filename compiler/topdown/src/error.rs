//! Why an evaluation ends, or leaves an iteration.

use govc_syntax::Span;
use std::fmt;

/// An error of evaluation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Error {
    /// OPA's code (`eval_conflict_error`, ...), or ours for limits (`govc_limit_fuel`, `govc_limit_memory`).
    pub code: &'static str,
    /// What happened, as OPA says it.
    pub message: String,
    /// The statement or rule.
    pub at: Option<Span>,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for Error {}

/// What unwinds the evaluator.
#[derive(Debug)]
pub(crate) enum Stop {
    /// A rule has its value; further solutions cannot change it. One flag for each frame that was passed,
    /// innermost first: whether that frame had not asked for it.
    Exit(Vec<bool>),
    Error(Box<Error>),
}

impl Stop {
    pub(crate) fn error(code: &'static str, message: impl Into<String>, at: Option<Span>) -> Self {
        Self::Error(Box::new(Error { code, message: message.into(), at }))
    }

    pub(crate) fn conflict(message: &str, at: Option<Span>) -> Self {
        Self::error("eval_conflict_error", message, at)
    }

    /// The frame that was passed last had not asked for the exit.
    pub(crate) fn is_deferred(&self) -> bool {
        matches!(self, Self::Exit(passed) if passed.last() == Some(&true))
    }
}

/// Whether to go on.
pub(crate) type Flow = Result<(), Stop>;

/// What is done for each solution.
pub(crate) type Then<'t> = dyn FnMut() -> Flow + 't;

/// The exit ends here, as far as this frame goes.
pub(crate) fn suppress(flow: Flow) -> Flow {
    match flow {
        Err(Stop::Exit(mut passed)) => {
            passed.pop();
            if passed.is_empty() { Ok(()) } else { Err(Stop::Exit(passed)) }
        }
        other => other,
    }
}

/// Keeps the first exit that no frame of an iteration asked for, until the iteration is over.
#[derive(Default)]
pub(crate) struct Deferred {
    kept: Option<Stop>,
}

impl Deferred {
    /// Takes an exit; a second one ends the iteration where `once` is set.
    pub(crate) fn take(&mut self, flow: Flow, once: bool) -> Flow {
        match flow {
            Err(stop) if stop.is_deferred() && (self.kept.is_none() || !once) => {
                self.kept.get_or_insert(stop);
                Ok(())
            }
            other => other,
        }
    }

    pub(crate) fn end(self) -> Flow {
        self.kept.map_or(Ok(()), Err)
    }
}

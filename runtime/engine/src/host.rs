//! The outside world of a decision: clock, randomness, network.
//!
//! The surprising fact: everything is off unless the embedder hands it in. A policy that asks for what is off
//! gets no answer, and a decision that needed it is a denial. Every answer that was given is recorded, so that the
//! decision can be made again without the world.

mod answers;
mod functions;
mod system;

pub use answers::Answers;
pub(crate) use answers::{Recorder, Replay};
pub use functions::{FunctionError, HostFunctions};
pub use system::SystemHost;

use std::fmt;

/// What a policy may learn from outside. All methods have a default: no answer.
///
/// ```
/// use govc_engine::{Host, HostError};
/// /// A host with a clock that stands still.
/// struct Noon;
/// impl Host for Noon {
///     fn now_ns(&self) -> Option<i64> {
///         Some(1_700_000_000_000_000_000)
///     }
/// }
/// assert!(Noon.now_ns().is_some());
/// assert_eq!(Noon.call("rand.intn", r#"["dice",6]"#), Err(HostError::Off));
/// ```
pub trait Host: Send + Sync {
    /// Nanoseconds since 1970-01-01T00:00:00Z, or no clock. Asked once a decision.
    fn now_ns(&self) -> Option<i64> {
        None
    }

    /// Performs a builtin that needs the world, or one that the embedder has declared. `args` is a JSON array; the
    /// answer is JSON. Asked once a decision for equal arguments.
    ///
    /// # Errors
    /// [`HostError::Off`] when this host does not have it.
    fn call(&self, builtin: &str, args: &str) -> Result<String, HostError> {
        let _ = (builtin, args);
        Err(HostError::Off)
    }

    /// Receives what a policy prints, with file and row of the call.
    fn print(&self, text: &str, file: &str, row: u32) {
        let _ = (text, file, row);
    }
}

/// Why a host gives no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HostError {
    /// This host does not have it.
    Off,
    /// It has it, but it failed.
    Failed(String),
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HostError::Off => f.write_str("not available in this host"),
            HostError::Failed(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for HostError {}

/// A host with nothing: no clock, no randomness, no network. The default.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sealed;

impl Host for Sealed {}

//! Exit codes of `govc`, as a type.
//!
//! The commands that OPA has too (`eval`, `test`, `check`, `fmt`, ...) keep OPA's numbers, and OPA is not of one
//! mind: a refused source is 1 for `check` and 2 for `eval`. So the same variant does not mean the same step
//! everywhere; each command's page says which it uses.

use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// 0: done; for decisions: allowed.
    Success,
    /// 1: the answer is no: denied, refused source, a `--fail` condition, files that cannot be read.
    Failure,
    /// 2: an error of `eval`, a failed test, wrong usage of our own commands, or a defect of govc.
    Error,
    /// 3: a decision that needs an approval first.
    RequireApproval,
}

impl Exit {
    /// The number that the shell sees.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Failure => 1,
            Self::Error => 2,
            Self::RequireApproval => 3,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit.code())
    }
}

//! A feed with a limit on how long it may keep a start waiting.
//!
//! The surprising fact: the feed is asked by a thread of its own, one question after the other. One that hangs holds up that
//! thread and no start: each of them is told in its time that nobody knows, which denies it.

use super::Revocations;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// Questions that wait for the feed; one more is answered at once that nobody knows.
const WAITING: usize = 1024;

type Answer = Result<bool, String>;

struct Question {
    signer: String,
    until: Instant,
    answer: SyncSender<Answer>,
}

/// A feed that answers within a limit, or not at all.
///
/// ```
/// use govc_governance::revocation::Deadline;
/// use govc_governance::{RevocationList, Revocations};
/// use std::time::Duration;
/// let feed = Deadline::new(RevocationList::parse("0a1b"), Duration::from_secs(2))?;
/// assert_eq!(feed.is_revoked("0a1b"), Ok(true));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Deadline {
    questions: SyncSender<Question>,
    limit: Duration,
}

impl Deadline {
    /// The feed, which has so long for each answer.
    ///
    /// # Errors
    /// When no thread can be had.
    pub fn new(feed: impl Revocations + Send + 'static, limit: Duration) -> io::Result<Self> {
        let (questions, asked) = sync_channel(WAITING);
        let _detached =
            thread::Builder::new().name("revocations".to_owned()).spawn(move || serve(&feed, &asked))?;
        Ok(Self { questions, limit })
    }
}

/// Answers until nobody is left who could ask.
fn serve(feed: &dyn Revocations, asked: &Receiver<Question>) {
    for Question { signer, until, answer } in asked {
        // Whoever asked has gone when his time is over.
        if Instant::now() < until {
            let said = catch_unwind(AssertUnwindSafe(|| feed.is_revoked(&signer)));
            let _gone = answer.send(said.unwrap_or_else(|_| Err("the feed panicked".to_owned())));
        }
    }
}

impl Revocations for Deadline {
    fn is_revoked(&self, signer: &str) -> Answer {
        let (answer, answered) = sync_channel(1);
        let question = Question { signer: signer.to_owned(), until: Instant::now() + self.limit, answer };
        self.questions.try_send(question).map_err(|_| "too many wait for an answer".to_owned())?;
        let late = |_| format!("no answer within {} ms", self.limit.as_millis());
        answered.recv_timeout(self.limit).map_err(late)?
    }
}

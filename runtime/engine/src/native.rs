//! Machine code for policies that are asked often (feature `jit`).
//!
//! The surprising fact: nobody waits for it. The decision that crosses the threshold starts a thread and
//! goes on in the VM; when the code is ready, later decisions find it. Answers are the same either way.

use govc_vm::Image;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// Decisions after which machine code is made: by prototype, a small policy's code pays after some ten
/// thousand decisions.
const THRESHOLD: u32 = 10_000;

/// How often a policy was asked.
#[derive(Debug, Default)]
pub(crate) struct Heat {
    decisions: AtomicU32,
}

impl Heat {
    /// Counts a decision; true for exactly one, the one that should have machine code made.
    pub(crate) fn is_hot_now(&self) -> bool {
        let before = self.decisions.load(Relaxed);
        // Threads that decide at once would only fight for the counter when nothing depends on it any more.
        before < THRESHOLD && self.decisions.fetch_add(1, Relaxed) + 1 == THRESHOLD
    }
}

/// Makes the machine code of an image on a thread of its own. Where that fails, the VM goes on alone.
pub(crate) fn install<P: Send + 'static>(policy: P, image: fn(&P) -> &Image) {
    let make = move || {
        let image = image(&policy);
        if let Ok(code) = govc_jit::compile(image) {
            // Refused only where code is installed already.
            let _ = image.install(Box::new(code));
        }
    };
    // A system without threads to spare has no machine code.
    let _ = std::thread::Builder::new().name("govc-jit".to_owned()).spawn(make);
}

#[cfg(test)]
mod tests {
    use super::{Heat, THRESHOLD};

    #[test]
    fn one_decision_is_the_hot_one() {
        let heat = Heat::default();
        let hot: Vec<u32> = (1..=THRESHOLD * 2).filter(|_| heat.is_hot_now()).collect();
        assert_eq!(hot, [THRESHOLD]);
    }
}

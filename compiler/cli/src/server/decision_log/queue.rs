//! Events that wait for their upload, oldest first.
//!
//! The surprising fact: an event leaves the queue when the service has taken it, not when it is sent. What a failed
//! upload held was never away, so nothing has to be put back.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

/// Where events wait.
pub(super) trait Queue: fmt::Debug + Send {
    /// Adds an event at the end; the oldest make room for it.
    ///
    /// # Errors
    /// When it could not be kept.
    fn push(&mut self, event: &str) -> Result<(), String>;

    /// The oldest events with their numbers: of together at most so many bytes, but at least one where there is one.
    ///
    /// # Errors
    /// When they cannot be read.
    fn front(&self, bytes: usize) -> Result<Vec<(u64, Arc<str>)>, String>;

    /// Forgets the events up to this number.
    ///
    /// # Errors
    /// When they could not be removed; then they are sent again.
    fn remove(&mut self, through: u64) -> Result<(), String>;

    /// How much waits.
    fn load(&self) -> Load;
}

/// An amount of events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Load {
    pub(super) events: usize,
    pub(super) bytes: usize,
}

impl Load {
    pub(super) fn add(&mut self, event: usize) {
        self.events += 1;
        self.bytes += event;
    }

    pub(super) fn subtract(&mut self, event: usize) {
        self.events = self.events.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(event);
    }
}

/// How much may wait.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Room {
    /// 0: no limit.
    pub(super) events: usize,
    /// 0: no limit. One event may be larger.
    pub(super) bytes: usize,
}

impl Room {
    /// Whether the oldest event must go.
    pub(super) fn is_exceeded(self, load: Load) -> bool {
        (self.bytes > 0 && load.bytes > self.bytes && load.events > 1)
            || (self.events > 0 && load.events > self.events)
    }
}

/// Events in memory: gone when the process ends without uploading them.
#[derive(Debug, Default)]
pub(super) struct InMemory {
    events: VecDeque<(u64, Arc<str>)>,
    pushed: u64,
    load: Load,
    room: Room,
}

impl InMemory {
    pub(super) fn new(room: Room) -> Self {
        Self { room, ..Self::default() }
    }

    fn drop_oldest(&mut self) {
        if let Some((_, event)) = self.events.pop_front() {
            self.load.subtract(event.len());
        }
    }
}

impl Queue for InMemory {
    fn push(&mut self, event: &str) -> Result<(), String> {
        self.pushed += 1;
        self.events.push_back((self.pushed, event.into()));
        self.load.add(event.len());
        while self.room.is_exceeded(self.load) {
            self.drop_oldest();
        }
        Ok(())
    }

    fn front(&self, bytes: usize) -> Result<Vec<(u64, Arc<str>)>, String> {
        let mut left = bytes;
        let fits = |(_, event): &&(u64, Arc<str>)| {
            let fits = event.len() <= left;
            left = left.saturating_sub(event.len());
            fits
        };
        let count = self.events.iter().take_while(fits).count().max(1);
        Ok(self.events.iter().take(count).cloned().collect())
    }

    fn remove(&mut self, through: u64) -> Result<(), String> {
        while self.events.front().is_some_and(|(number, _)| *number <= through) {
            self.drop_oldest();
        }
        Ok(())
    }

    fn load(&self) -> Load {
        self.load
    }
}

#[cfg(test)]
mod tests {
    use super::super::disk::OnDisk;
    use super::*;

    fn check(queue: &mut dyn Queue) {
        for event in ["one", "two", "three", "four"] {
            queue.push(event).expect("it is kept");
        }
        let front = |queue: &dyn Queue, bytes| -> Vec<String> {
            let front = queue.front(bytes).expect("it is read");
            front.iter().map(|(_, event)| event.to_string()).collect()
        };
        assert_eq!(front(queue, 100), ["two", "three", "four"], "the oldest made room");
        assert_eq!(front(queue, 8), ["two", "three"]);
        assert_eq!(front(queue, 1), ["two"], "at least one");
        let (number, _) = queue.front(8).expect("it is read")[1].clone();
        queue.remove(number).expect("it is removed");
        assert_eq!(front(queue, 100), ["four"]);
        assert_eq!(queue.load(), Load { events: 1, bytes: 4 });
        queue.remove(u64::MAX >> 1).expect("it is removed");
        assert_eq!(queue.load(), Load::default());
        assert!(front(queue, 100).is_empty());
    }

    #[test]
    fn both_queues_do_the_same() {
        let room = Room { events: 3, bytes: 0 };
        check(&mut InMemory::new(room));
        let folder = tempfile::tempdir().expect("a folder");
        check(&mut OnDisk::open(folder.path(), room).expect("a queue"));
    }

    /// An hour of a decision a second, and a server that starts anew every ten minutes.
    #[test]
    fn an_hour_without_a_service_loses_nothing_and_keeps_the_order() {
        const EVENTS: usize = 3_600;
        let folder = tempfile::tempdir().expect("a folder");
        let open = || OnDisk::open(folder.path(), Room::default()).expect("a queue");
        let event = |n: usize| format!("{n} {}", "x".repeat(600));
        let mut queue = open();
        for n in 0..EVENTS {
            if n % 600 == 0 {
                drop(queue);
                queue = open();
            }
            queue.push(&event(n)).expect("it is kept");
            // Each minute the service is asked, and takes nothing.
            if n % 60 == 0 {
                assert!(!queue.front(32_768).expect("it is read").is_empty());
            }
        }
        assert_eq!(queue.load().events, EVENTS);
        let mut taken = Vec::new();
        while queue.load().events > 0 {
            let batch = queue.front(32_768).expect("it is read");
            queue.remove(batch.last().expect("there are some").0).expect("it is removed");
            taken.extend(batch.into_iter().map(|(_, event)| event.to_string()));
        }
        assert!(taken.into_iter().eq((0..EVENTS).map(event)));
    }

    #[test]
    fn events_on_the_disk_are_there_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let room = Room { events: 0, bytes: 10 };
        let mut queue = OnDisk::open(folder.path(), room).expect("a queue");
        for event in ["12345", "67890", "abcde"] {
            queue.push(event).expect("it is kept");
        }
        assert!(OnDisk::open(folder.path(), room).is_err(), "one process at a time");
        drop(queue);
        let queue = OnDisk::open(folder.path(), room).expect("a queue");
        assert_eq!(queue.load(), Load { events: 2, bytes: 10 });
        assert_eq!(&*queue.front(5).expect("it is read")[0].1, "67890");
    }
}

//! Changes of the environment that could not be recorded.
//!
//! No generation tells of them: the disk is full, or the project cannot be written. What was seen counts all the same:
//! a worker from before it is on another environment than there is.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::backend::locked::Locked;

/// How many there were, and why the last one could not be recorded.
#[derive(Debug, Default)]
pub(crate) struct Unrecorded {
    count: AtomicU64,
    why: Locked<String>,
}

impl Unrecorded {
    /// One more was seen.
    pub(crate) fn add(&self, why: &str) {
        why.clone_into(&mut self.why.lock());
        self.count.fetch_add(1, Ordering::Release);
    }

    /// How many there were.
    pub(super) fn count(&self) -> u64 {
        self.count.load(Ordering::Acquire)
    }

    /// Why the last one could not be recorded.
    pub(crate) fn why(&self) -> String {
        self.why.lock().clone()
    }
}

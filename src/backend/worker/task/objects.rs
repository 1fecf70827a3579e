//! What is known of a worker's objects on both sides of its task.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::backend::locked::Locked;
use crate::backend::worker::protocol::Store;

/// What is known of a worker's objects on both sides of its task.
#[derive(Debug, Default)]
pub(crate) struct Objects {
    held: AtomicUsize,
    /// Process and name of what nobody holds any more.
    dropped: Locked<Vec<(u32, String)>>,
    /// What a process said last of what it keeps.
    store: Locked<Option<(u32, Store)>>,
}

impl Objects {
    /// Somebody holds one more.
    pub(crate) fn hold(&self) {
        self.held.fetch_add(1, Ordering::Relaxed);
    }

    /// Nobody holds `id`, which the process `pid` has, any more.
    pub(crate) fn let_go(&self, pid: u32, id: String) {
        self.held.fetch_sub(1, Ordering::Relaxed);
        let mut dropped = self.dropped.lock();
        dropped.push((pid, id));
    }

    /// Whether somebody holds one.
    pub(crate) fn are_held(&self) -> bool {
        self.held.load(Ordering::Relaxed) > 0
    }

    /// The process `pid` keeps `store`.
    pub(crate) fn said(&self, pid: u32, store: Store) {
        *self.store.lock() = Some((pid, store));
    }

    /// What the process `pid` keeps.
    pub(crate) fn store(&self, pid: u32) -> Option<Store> {
        let store = *self.store.lock();
        store.filter(|(of, _)| *of == pid).map(|(_, store)| store)
    }

    /// What the process `pid` may forget; what others had is forgotten with them.
    pub(crate) fn take_dropped(&self, pid: u32) -> Vec<String> {
        let mut dropped = self.dropped.lock();
        let all = std::mem::take(&mut *dropped);
        all.into_iter()
            .filter(|(of, _)| *of == pid)
            .map(|(_, id)| id)
            .collect()
    }
}

//! The objects that workers keep for flows, held by name.
//!
//! **Invariant:** what nobody holds is let go of: dropping the last [`Kept`] tells the worker, as soon as it is free.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;

use super::job::Control;
use super::lane::Lane;
use crate::backend::flow::Object;

/// An object in a worker.
#[derive(Debug, Clone)]
pub struct Kept(Arc<Hold>);

#[derive(Debug)]
struct Hold {
    id: String,
    /// The process that has it.
    pid: u32,
    lane: Lane,
}

impl Kept {
    pub(super) fn new(id: String, pid: u32, lane: Lane) -> Self {
        lane.objects.held.fetch_add(1, Ordering::Relaxed);
        Self(Arc::new(Hold { id, pid, lane }))
    }

    pub(super) fn pid(&self) -> u32 {
        self.0.pid
    }

    pub(super) fn lane(&self) -> &Lane {
        &self.0.lane
    }
}

impl Object for Kept {
    fn id(&self) -> &str {
        &self.0.id
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let objects = &self.lane.objects;
        objects.held.fetch_sub(1, Ordering::Relaxed);
        let id = std::mem::take(&mut self.id);
        objects
            .dropped
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((self.pid, id));
        // A full queue will look by itself.
        let _ = self.lane.ask.try_send(Control::Tidy);
    }
}

/// What is known of a worker's objects on both sides of its task.
#[derive(Debug, Default)]
pub(super) struct Objects {
    held: AtomicUsize,
    /// Process and name of what nobody holds any more.
    dropped: Mutex<Vec<(u32, String)>>,
    /// What a process said last of what it keeps.
    store: Mutex<Option<(u32, Store)>>,
}

/// What a worker keeps, as it says.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub(super) struct Store {
    pub(super) count: usize,
    pub(super) bytes: u64,
    /// How many had to go for newer ones.
    pub(super) dropped: u64,
}

impl Objects {
    /// Whether somebody holds one.
    pub(super) fn are_held(&self) -> bool {
        self.held.load(Ordering::Relaxed) > 0
    }

    /// The process `pid` keeps `store`.
    pub(super) fn said(&self, pid: u32, store: Store) {
        *self.store.lock().unwrap_or_else(PoisonError::into_inner) = Some((pid, store));
    }

    /// What the process `pid` keeps.
    pub(super) fn store(&self, pid: u32) -> Option<Store> {
        let store = *self.store.lock().unwrap_or_else(PoisonError::into_inner);
        store.filter(|(of, _)| *of == pid).map(|(_, store)| store)
    }

    /// What the process `pid` may forget; what others had is forgotten with them.
    pub(super) fn take_dropped(&self, pid: u32) -> Vec<String> {
        let mut dropped = self.dropped.lock().unwrap_or_else(PoisonError::into_inner);
        let all = std::mem::take(&mut *dropped);
        all.into_iter()
            .filter(|(of, _)| *of == pid)
            .map(|(_, id)| id)
            .collect()
    }
}

//! The lock of a project's history: who has it holds the folders that the history lies in, and writes by them alone.

use std::any::Any;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use super::error::StoreError;
use super::lock::{Held, Holder, Place};
use super::places;
use crate::files::Folder;
use crate::project::ProjectLayout;

/// Says that the history is waited for, given who has it and since when; what it gives is dropped when the wait is
/// over.
pub type Notice = Box<dyn Fn(&Holder, Instant) -> Box<dyn Any> + Send + Sync>;

static NOTICE: OnceLock<Notice> = OnceLock::new();

/// How long a wait for the history has lasted when it is told of.
const PATIENCE: Duration = Duration::from_millis(500);

/// Has `notice` told of every wait of this process for a history that lasts half a second. The first one stays.
pub fn tell_of_waits(notice: Notice) {
    let _ = NOTICE.set(notice);
}

/// The lock of a project's history, with the folders that it lies in. Held for milliseconds at a time.
#[derive(Debug)]
pub(super) struct HistoryLock {
    _held: Held,
    project: Folder,
    logs: Folder,
}

impl HistoryLock {
    /// Longer than any writer needs, short enough for a person who waits behind one that is stopped.
    const LIMIT: Duration = Duration::from_secs(30);

    /// Takes the lock, making the folder of logs where it is missing.
    pub(super) fn acquire(layout: &ProjectLayout) -> Result<Self, StoreError> {
        let at = |error| StoreError::at(&layout.logs(), error);
        // What stands in the way of the folder is told apart from a lock that cannot be had.
        places::made_logs(layout).map_err(at)?;
        let place = Place {
            path: layout.lock(),
            name: ProjectLayout::LOCK,
            folder: &|| places::made_logs(layout),
        };
        let began = Instant::now();
        let mut said = None;
        let say = |holder: &Holder| said = NOTICE.get().map(|notice| notice(holder, began));
        let held = Held::wait(
            &place,
            &Holder::this(),
            Self::LIMIT,
            (PATIENCE, say),
            |_| true,
        );
        drop(said);
        let held = held?;
        Ok(Self {
            _held: held,
            project: places::project(layout).map_err(at)?,
            logs: places::logs(layout).map_err(at)?,
        })
    }

    /// The project's folder.
    pub(super) fn project(&self) -> &Folder {
        &self.project
    }

    /// The folder of logs.
    pub(super) fn logs(&self) -> &Folder {
        &self.logs
    }
}

//! The run that has begun and not ended: what is left after a crash.
//!
//! Written before pip starts, without waiting for the disk: a killed process leaves it, and after a power cut the next
//! comparison of the environment finds what changed all the same.

use std::io;

use serde::{Deserialize, Serialize};

use super::atomic;
use super::error::StoreError;
use super::finished_run::StartedRun;
use crate::inventory::Snapshot;
use crate::project::VenvLayout;

/// A run that has begun.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Unfinished {
    schema: u32,
    /// The run.
    #[serde(flatten)]
    pub run: StartedRun,
    /// Whether it holds the run lock, so that whoever gets the lock knows that it is over.
    pub locked: bool,
    /// What was installed when it began.
    pub before: Snapshot,
}

impl Unfinished {
    const SCHEMA: u32 = 1;

    /// Writes down that `run` begins, `before` being what is installed; `locked` says whether it holds the run lock.
    ///
    /// # Errors
    /// [`StoreError`] when the environment cannot be written.
    pub fn begin(
        venv: &VenvLayout,
        run: StartedRun,
        before: Snapshot,
        locked: bool,
    ) -> Result<(), StoreError> {
        let path = venv.unfinished();
        let write = || -> io::Result<()> {
            if let Err(error) = std::fs::create_dir(venv.aim())
                && error.kind() != io::ErrorKind::AlreadyExists
            {
                return Err(error);
            }
            let begun = Self {
                schema: Self::SCHEMA,
                run,
                locked,
                before,
            };
            atomic::write_unsynced(&path, &serde_json::to_vec(&begun)?)
        };
        write().map_err(|error| StoreError::at(&path, error))
    }

    /// Forgets it: the run ended and is in the history.
    pub fn end(venv: &VenvLayout) {
        // Where it cannot be removed, the next `recover` sees that the run is in the history.
        let _ = std::fs::remove_file(venv.unfinished());
    }

    /// The run that has begun; after a crash, the one that it left.
    pub fn read(venv: &VenvLayout) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(venv.unfinished()).ok()?).ok()
    }

    /// Whether the run may still be going on, seen by someone who holds the run lock.
    pub(super) fn may_be_alive(&self) -> bool {
        let is_other = self.run.pid != std::process::id();
        let pid = i32::try_from(self.run.pid)
            .ok()
            .and_then(rustix::process::Pid::from_raw);
        let exists = || {
            pid.is_some_and(|pid| {
                rustix::process::test_kill_process(pid) != Err(rustix::io::Errno::SRCH)
            })
        };
        !self.locked && is_other && exists()
    }
}

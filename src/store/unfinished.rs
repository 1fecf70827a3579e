//! The runs that have begun and not ended, a note each: what is left after a crash.
//!
//! Written before pip starts, without waiting for the disk: a killed process leaves it, and after a power cut the next
//! comparison of the environment finds what changed all the same. Each run has its own, by its id, since without a lock
//! (`AIM_PIP_LOCK_TIMEOUT=0`) several may go on at once.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::record::Ending;
use super::record::RunId;
use super::record::StartedRun;
use crate::files::atomic;
use crate::files::make_folder;
use crate::files::read;
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
    /// How it ended, where that is known and could not be entered into the history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ended: Option<Ended>,
}

/// The end of a run that is not in the history yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Ended {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    exit_code: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signal: Option<i32>,
    duration_ms: u64,
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
        let begun = Self {
            schema: Self::SCHEMA,
            run,
            locked,
            before,
            ended: None,
        };
        begun.write(venv)
    }

    /// Writes down how the run `id` ended, for whoever will enter it: this process could not.
    ///
    /// # Errors
    /// [`StoreError`]; then the run will count as interrupted.
    pub fn ended(
        venv: &VenvLayout,
        id: &RunId,
        ending: Ending,
        duration: Duration,
    ) -> Result<(), StoreError> {
        let path = path(venv, id);
        let bytes = read::read(&path).map_err(|error| StoreError::at(&path, error))?;
        let mut note: Self = serde_json::from_slice(&bytes)
            .map_err(|error| StoreError::at(&path, io::Error::from(error)))?;
        let (exit_code, signal) = ending.members();
        note.ended = Some(Ended {
            exit_code,
            signal,
            duration_ms: u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
        });
        note.write(venv)
    }

    /// Forgets the run `id`: it ended and is in the history.
    pub fn end(venv: &VenvLayout, id: &RunId) {
        // Where it cannot be removed, the next `recover` sees that the run is in the history.
        let _ = fs::remove_file(path(venv, id));
    }

    /// The runs that have begun, in that order; after a crash, those that it left.
    pub fn all(venv: &VenvLayout) -> Vec<Self> {
        let mut notes: Vec<Self> = notes(venv)
            .filter_map(|path| serde_json::from_slice(&read::read(&path).ok()?).ok())
            .collect();
        notes.sort_by_key(|note: &Self| note.run.id);
        notes
    }

    /// The run that has begun last.
    pub fn last(venv: &VenvLayout) -> Option<Self> {
        Self::all(venv).pop()
    }

    /// Removes notes that cannot be read: they tell nothing, and the next comparison of the environment finds what
    /// changed. To be called by who holds the run lock.
    pub(super) fn forget_unreadable(venv: &VenvLayout) {
        for path in notes(venv) {
            let is_torn = read::read(&path)
                .is_ok_and(|bytes| serde_json::from_slice::<Self>(&bytes).is_err());
            if is_torn {
                let _ = fs::remove_file(path);
            }
        }
    }

    /// The file.
    pub(super) fn path(&self, venv: &VenvLayout) -> PathBuf {
        path(venv, &self.run.id)
    }

    /// How it ended and how long it took, where that is known.
    pub(super) fn ending(&self) -> Option<(Ending, Duration)> {
        let ended = self.ended?;
        let ending = Ending::of(ended.exit_code, ended.signal);
        Some((ending, Duration::from_millis(ended.duration_ms)))
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
        !self.locked && self.ended.is_none() && is_other && exists()
    }

    fn write(&self, venv: &VenvLayout) -> Result<(), StoreError> {
        let path = self.path(venv);
        let write = || -> io::Result<()> {
            // Of the folders above, only our own: an environment that is gone stays gone.
            for folder in [venv.aim(), &venv.unfinished()] {
                make_folder(folder)?;
            }
            atomic::write_unsynced(&path, &serde_json::to_vec(self)?)
        };
        write().map_err(|error| StoreError::at(&path, error))
    }
}

fn path(venv: &VenvLayout, id: &RunId) -> PathBuf {
    venv.unfinished().join(format!("{id}.json"))
}

/// The notes' files.
fn notes(venv: &VenvLayout) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(venv.unfinished())
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|end| end == "json"))
}

//! The runs that have begun and not ended, a note each: what is left after a crash.
//!
//! Written before pip starts, without waiting for the disk: a killed process leaves it, and after a power cut the next
//! comparison of the environment finds what changed all the same. Each run has its own, by its id, since without a lock
//! (`AIM_PIP_LOCK_TIMEOUT=0`) several may go on at once.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::lock::RunLock;
use super::places;
use super::record::{Ending, Generation, RunId, StartedRun};
use crate::files::Folder;
use crate::files::momentary::found;
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
    /// The generation that was recorded then; none where nobody could tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Generation>,
    /// Whether a run that ended beside it left changes open, which may be of either.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_shared: bool,
    /// Its place among those that had begun by then: their order, whatever the clock said.
    #[serde(default)]
    place: u64,
    /// How it ended, where that is known and could not be entered into the history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ended: Option<Ended>,
    /// What was installed then, where somebody could look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) after: Option<Snapshot>,
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

    /// Writes down that `run` begins, `before` being what is installed, and `since` the generation that is recorded;
    /// `locked` says whether it holds the run lock.
    ///
    /// # Errors
    /// [`StoreError`] when the environment cannot be written.
    pub fn begin(
        venv: &VenvLayout,
        run: StartedRun,
        (before, since): (Snapshot, Option<Generation>),
        locked: bool,
    ) -> Result<(), StoreError> {
        // Where nobody can tell which others there are, the ids tell.
        let others = Self::all(venv).unwrap_or_default();
        let begun = Self {
            schema: Self::SCHEMA,
            run,
            locked,
            before,
            since,
            is_shared: false,
            place: others.last().map_or(0, |last| last.place + 1),
            ended: None,
            after: None,
        };
        begun.write(venv)
    }

    /// Writes down how the run `id` ended, and what was installed then, for whoever will enter it: this process could
    /// not.
    ///
    /// # Errors
    /// [`StoreError`]; then the run will count as interrupted.
    pub fn ended(
        venv: &VenvLayout,
        id: &RunId,
        (ending, duration): (Ending, Duration),
        after: Option<Snapshot>,
    ) -> Result<(), StoreError> {
        let mut note = Self::of(venv, id)?;
        let (exit_code, signal) = ending.members();
        note.ended = Some(Ended {
            exit_code,
            signal,
            duration_ms: u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
        });
        note.after = after;
        note.write(venv)
    }

    /// Writes down that changes were left open which may be of the run `id`.
    ///
    /// # Errors
    /// [`StoreError`]; then they count as that run's.
    pub fn share(venv: &VenvLayout, id: &RunId) -> Result<(), StoreError> {
        let mut note = Self::of(venv, id)?;
        note.is_shared = true;
        note.write(venv)
    }

    fn of(venv: &VenvLayout, id: &RunId) -> Result<Self, StoreError> {
        let read = || Self::read(&notes(venv)?, &name(id));
        read().map_err(|error| StoreError::at(&path(venv, id), error))
    }

    /// Forgets the run `id`: it ended and is in the history.
    pub fn end(venv: &VenvLayout, id: &RunId) {
        // Where it cannot be removed, the next `recover` sees that the run is in the history.
        if let Ok(notes) = notes(venv) {
            let _ = notes.remove(name(id));
        }
    }

    /// The runs that have begun, in that order; after a crash, those that it left.
    ///
    /// # Errors
    /// What is of the moment: then nobody knows which there are.
    pub fn all(venv: &VenvLayout) -> Result<Vec<Self>, StoreError> {
        let read = || -> io::Result<Vec<Self>> {
            let mut all = Vec::new();
            if let Some(notes) = found(notes(venv))? {
                for name in names(&notes)? {
                    all.extend(found(Self::read(&notes, &name))?);
                }
            }
            all.sort_by_key(|note: &Self| (note.place, note.run.id));
            Ok(all)
        };
        read().map_err(|error| StoreError::at(&venv.unfinished(), error))
    }

    /// The runs beside the run `id` that go on now. `held` is the run lock, where that run has it: then whoever else
    /// had it is over.
    pub fn beside(venv: &VenvLayout, id: &RunId, held: Option<&RunLock>) -> Vec<Self> {
        let mut all = Self::all(venv).unwrap_or_default();
        all.retain(|other| {
            other.run.id != *id
                && if other.locked {
                    held.is_none() && RunLock::holder(venv).is_some()
                } else {
                    other.may_be_alive()
                }
        });
        all
    }

    /// The run that has begun last.
    ///
    /// # Errors
    /// As [`Unfinished::all`].
    pub fn last(venv: &VenvLayout) -> Result<Option<Self>, StoreError> {
        Ok(Self::all(venv)?.pop())
    }

    /// Removes notes that cannot be read: they tell nothing, and the next comparison of the environment finds what
    /// changed. To be called by who holds the run lock.
    pub(super) fn forget_unreadable(venv: &VenvLayout) {
        let Ok(notes) = notes(venv) else { return };
        for name in names(&notes).into_iter().flatten() {
            let is_torn = Self::read(&notes, &name)
                .is_err_and(|error| error.kind() == io::ErrorKind::InvalidData);
            if is_torn {
                let _ = notes.remove(name);
            }
        }
    }

    /// When the note was last written.
    pub(super) fn modified(&self, venv: &VenvLayout) -> Option<SystemTime> {
        Some(notes(venv).ok()?.found(name(&self.run.id)).ok()?.modified)
    }

    fn read(notes: &Folder, name: &str) -> io::Result<Self> {
        let bytes = notes.read(name, LONGEST)?;
        let torn = |error| io::Error::new(io::ErrorKind::InvalidData, error);
        serde_json::from_slice(&bytes).map_err(torn)
    }

    /// How it ended and how long it took, where that is known.
    pub(super) fn ending(&self) -> Option<(Ending, Duration)> {
        let ended = self.ended?;
        let ending = Ending::of(ended.exit_code, ended.signal);
        Some((ending, Duration::from_millis(ended.duration_ms)))
    }

    /// Whether the run may still be going on, seen by someone who holds the run lock.
    pub fn may_be_alive(&self) -> bool {
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
        let write = || -> io::Result<()> {
            let notes = places::made_aim(venv)?.make_folder(VenvLayout::UNFINISHED)?;
            notes.write_unsynced(name(&self.run.id), &serde_json::to_vec(self)?)
        };
        write().map_err(|error| StoreError::at(&path(venv, &self.run.id), error))
    }
}

/// Longer than any note: it has a snapshot in it. All are read before each run.
const LONGEST: u64 = 8 << 20;

/// For messages.
fn path(venv: &VenvLayout, id: &RunId) -> PathBuf {
    venv.unfinished().join(name(id))
}

fn name(id: &RunId) -> String {
    format!("{id}.json")
}

/// The folder of the notes.
fn notes(venv: &VenvLayout) -> io::Result<Folder> {
    places::aim(venv)?.folder(VenvLayout::UNFINISHED)
}

/// The names of the notes.
fn names(notes: &Folder) -> io::Result<Vec<String>> {
    let names = notes.names()?.into_iter();
    Ok(names
        .filter_map(|name| name.into_string().ok())
        .filter(|name| Path::new(name).extension().is_some_and(|end| end == "json"))
        .collect())
}

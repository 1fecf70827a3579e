//! The file that shows a run's log while it grows, in the folder of logs.

use std::fs::{File, TryLockError};
use std::io;
use std::sync::Arc;

use super::run_id::RunId;
use crate::files::Folder;
use crate::files::momentary::found;

/// How the names of part files end; they begin with a dot and the run's id.
const ENDING: &str = ".part";

/// A part file, in the folder that it was made in: that may be another one by the end of the run.
#[derive(Debug, Clone)]
pub(crate) struct PartFile {
    logs: Arc<Folder>,
    name: String,
}

impl PartFile {
    /// That of `run`, in `logs`.
    pub(crate) fn of(run: &RunId, logs: Folder) -> Self {
        Self {
            logs: Arc::new(logs),
            name: format!(".{run}{ENDING}"),
        }
    }

    /// The run whose part file is called `name`.
    pub(crate) fn run_of(name: &str) -> Option<RunId> {
        name.strip_prefix('.')?.strip_suffix(ENDING)?.parse().ok()
    }

    /// Makes it.
    pub(crate) fn create(&self) -> io::Result<File> {
        self.logs.create_new(&self.name)
    }

    /// What is in it.
    pub(crate) fn read(&self) -> io::Result<Vec<u8>> {
        self.logs.read(&self.name, LONGEST)
    }

    /// When it was last written to.
    pub(crate) fn modified(&self) -> Option<std::time::SystemTime> {
        Some(self.logs.found(&self.name).ok()?.modified)
    }

    /// Removes it, where it is there.
    pub(crate) fn remove(&self) {
        let _ = self.logs.remove(&self.name);
    }
}

/// More than a run writes into one.
const LONGEST: u64 = 32 << 20;

impl PartialEq for PartFile {
    fn eq(&self, other: &Self) -> bool {
        self.logs.path() == other.logs.path() && self.name == other.name
    }
}

impl Eq for PartFile {}

/// Whether the part file `name` has a writer that is alive; also where nobody can tell at this moment, since what has
/// none is removed.
pub(crate) fn is_growing(logs: &Folder, name: &str) -> bool {
    match found(logs.open_file(name)) {
        Ok(Some((file, _))) => matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)),
        Ok(None) => false,
        Err(_) => true,
    }
}

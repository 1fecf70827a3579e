//! The run that has begun and not ended: what is left after a crash.

use super::error::StoreError;
use super::publish::StartedRun;
use crate::inventory::Snapshot;
use crate::project::VenvLayout;

/// A run that has begun, written down before it begins.
#[derive(Debug, Clone, PartialEq)]
pub struct Unfinished {
    /// The run.
    pub run: StartedRun,
    /// What was installed when it began.
    pub before: Snapshot,
}

impl Unfinished {
    /// Writes down that `run` begins, `before` being what is installed.
    ///
    /// # Errors
    /// [`StoreError`] when the environment cannot be written.
    pub fn begin(
        venv: &VenvLayout,
        run: StartedRun,
        before: Snapshot,
        locked: bool,
    ) -> Result<(), StoreError> {
        let _ = (venv, run, before, locked);
        Ok(())
    }

    /// Forgets it: the run ended and is in the history.
    pub fn end(venv: &VenvLayout) {
        let _ = venv;
    }

    /// The run that a crash left, if there is one.
    pub fn read(venv: &VenvLayout) -> Option<Self> {
        let _ = venv;
        None
    }
}

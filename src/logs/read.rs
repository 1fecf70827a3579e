//! The history as one has it who answers from all of it.

use crate::console::Console;
use crate::error::{Error, Result};
use crate::project::ProjectLayout;
use crate::store::RunLog;

/// The whole history.
///
/// # Errors
/// As [`complete`].
pub(super) fn whole(layout: &ProjectLayout) -> Result<RunLog> {
    let log = RunLog::read(layout);
    complete(&log)?;
    Ok(log)
}

/// That no run is missing which is there.
///
/// # Errors
/// Why some may be.
pub(super) fn complete(log: &RunLog) -> Result<()> {
    log.incomplete()
        .map_or(Ok(()), |problem| Err(Error::failed(problem)))
}

/// Says what cannot be read in `log`.
pub(super) fn warn(console: &mut Console, log: &RunLog) {
    for problem in &log.problems {
        console.warn(problem);
    }
}

//! What the worker's state tells of the past.

use tokio::time::Instant;

use crate::api::v1::{Refresh, Waiting, WorkerExit};

/// What is told of the past.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) restarts: u64,
    /// What whoever waits for the worker that is being started waits for.
    pub(super) start: Waiting,
    /// Since when that one is wanted.
    pub(super) wanted_at: Option<Instant>,
    /// Why there is no worker, if the last start failed.
    pub(super) last_error: Option<String>,
    /// The last end of a worker that nobody had asked for.
    pub(super) last_exit: Option<WorkerExit>,
    /// What became of the worker when the environment changed last.
    pub(super) refresh: Option<Refresh>,
}

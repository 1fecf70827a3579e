//! Folders and limits of a daemon's workers.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::backend::descriptors::Descriptors;
use crate::backend::events::Events;
use crate::backend::script_folder::ScriptFolder;

/// Folders and limits of a daemon's workers.
#[derive(Debug, Clone)]
pub struct JobSettings {
    /// Where the worker's script is written: a folder that is private to the daemon's user, made if it is missing.
    pub script_folder: ScriptFolder,
    /// Where worker logs are, a file a project ([`crate::backend::worker::log_path`]).
    pub log_folder: PathBuf,
    /// How long a start may take.
    pub start_limit: Duration,
    /// How long a process has to end by itself before it is killed.
    pub grace: Duration,
    /// How long an unused project keeps its spare: an interpreter of some 8 MB, for a start of 2 ms instead of 40. An
    /// idle project is to cost one process, not two.
    pub spare_idle: Duration,
    /// How long after a failed start it is tried again, at first; each time twice as long.
    pub retry: Duration,
    /// How many more workers than one a project there may be in all, for the branches of flows.
    pub branch_workers: Arc<Semaphore>,
    /// How long such a worker stays for the next flow: as long as the spare, and no longer.
    pub branch_idle: Duration,
    /// Where starts and what becomes of them are told.
    pub events: Events,
    /// What processes are started with.
    pub descriptors: Descriptors,
}

impl JobSettings {
    /// The usual limits.
    pub fn new(script_folder: impl Into<PathBuf>, log_folder: impl Into<PathBuf>) -> Self {
        Self {
            script_folder: ScriptFolder::new(script_folder),
            log_folder: log_folder.into(),
            start_limit: Duration::from_secs(30),
            grace: Duration::from_secs(2),
            spare_idle: Duration::from_secs(60),
            retry: Duration::from_secs(2),
            branch_workers: Arc::new(Semaphore::new(branch_workers())),
            branch_idle: Duration::from_secs(60),
            events: Events::default(),
            descriptors: Descriptors::default(),
        }
    }
}

/// Enough for some flows that wait for the network at once, few enough for the machine's memory.
fn branch_workers() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    (2 * cores).clamp(4, 32)
}

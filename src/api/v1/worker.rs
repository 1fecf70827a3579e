//! A project's worker: its state, start, stop, restart.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{LanguageServer, Refresh, Waiting};
use crate::project::ProjectId;

/// When a worker gives way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "backend", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum When {
    /// When the node that it runs, if any, has finished.
    #[default]
    Idle,
    /// At once: a running node is lost.
    Now,
}

/// Body of `POST …/worker/restart`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "backend", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct RestartRequest {
    /// When the old worker gives way.
    pub when: When,
    /// How long to wait for the new worker, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait_s: Option<f64>,
    /// Why, for the worker's log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Reply of `POST …/worker/restart`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "backend", derive(utoipa::ToSchema))]
#[expect(clippy::struct_field_names, reason = "the names of the wire")]
pub struct Restarted {
    /// Whether a new worker took over within the wait.
    pub restarted: bool,
    /// The worker before.
    #[serde(default)]
    pub old_pid: Option<u32>,
    /// The worker now.
    #[serde(default)]
    pub new_pid: Option<u32>,
    /// Its state.
    pub worker: WorkerStatus,
}

/// Body of `POST …/worker/stop`; the reply is a [`WorkerStatus`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "backend", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct StopRequest {
    /// Whether a running node is waited for.
    pub when: When,
}

/// Body of `POST …/worker/interrupt`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "backend", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct InterruptRequest {
    /// Only nodes of this file, also those that wait for their turn; without it, whatever runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

/// Reply of `POST …/worker/interrupt`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "backend", derive(utoipa::ToSchema))]
pub struct Interrupted {
    /// How many nodes were told to end. What does not end by that is killed after the grace time.
    pub interrupted: usize,
}

/// Where a worker is in its life.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "backend", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum WorkerState {
    /// No process; the next node starts one.
    #[default]
    Stopped,
    /// On its way.
    Starting,
    /// Ready for a node.
    Idle,
    /// A node runs.
    Busy,
    /// The last start failed; the next node tries again.
    Failed,
}

/// Reply of `GET …/worker`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "backend", derive(utoipa::ToSchema))]
pub struct WorkerStatus {
    /// The project.
    #[cfg_attr(feature = "backend", schema(value_type = String))]
    pub project: ProjectId,
    /// Where the worker is in its life.
    pub state: WorkerState,
    /// Its process.
    #[serde(default)]
    pub pid: Option<u32>,
    /// The generation that it was born with.
    #[serde(default)]
    pub generation: Option<u64>,
    /// The generation that `env_meta.json` has.
    #[serde(default)]
    pub env_generation: u64,
    /// Version of its Python.
    #[serde(default)]
    pub python: Option<String>,
    /// When it took over.
    #[serde(default)]
    pub started_at: Option<DateTime<Utc>>,
    /// File of the node that it runs.
    #[serde(default)]
    pub busy_with: Option<String>,
    /// What whoever wants the worker waits for now; none where it is free.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<Waiting>,
    /// How often a worker has taken the place of another since the daemon began.
    #[serde(default)]
    pub restarts: u64,
    /// Why the last start failed.
    #[serde(default)]
    pub last_error: Option<String>,
    /// How the last worker that was not asked to end ended.
    #[serde(default)]
    pub last_exit: Option<WorkerExit>,
    /// What became of the worker when the environment changed last, and why, as an English sentence; [`Self::refresh`]
    /// says the same in a word.
    #[serde(default)]
    pub last_refresh: Option<String>,
    /// What became of the worker when the environment changed last; none from an older daemon.
    #[serde(default)]
    pub refresh: Option<Refresh>,
    /// Whether it stays on its generation, though the environment has another, until somebody restarts it.
    #[serde(default)]
    pub stays: bool,
    /// More workers of the project, which flows with branches have, for a while.
    #[serde(default)]
    pub branch_workers: usize,
    /// Python objects that its workers keep for flows; none where there are none.
    #[serde(default)]
    pub objects: Option<KeptObjects>,
    /// The language servers that are kept in step with the project's environment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub language_servers: Vec<LanguageServer>,
    /// Lines of its log that could not be written.
    #[serde(default, skip_serializing_if = "super::daemon::is_zero")]
    pub log_lines_lost: u64,
}

/// Python objects that stay in a project's workers, since JSON cannot carry them, or only at length.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "backend", derive(utoipa::ToSchema))]
pub struct KeptObjects {
    /// How many there are.
    pub count: usize,
    /// What they hold, by estimate.
    pub bytes: u64,
    /// How many had to go because newer ones needed the room.
    #[serde(default)]
    pub dropped: u64,
    /// What each worker keeps at most, in MiB.
    #[serde(default)]
    pub limit_mib: u64,
}

impl WorkerStatus {
    /// The state of a worker that was never used.
    pub fn unused(project: ProjectId) -> Self {
        Self {
            project,
            state: WorkerState::Stopped,
            pid: None,
            generation: None,
            env_generation: 0,
            python: None,
            started_at: None,
            busy_with: None,
            waiting: None,
            restarts: 0,
            last_error: None,
            last_exit: None,
            last_refresh: None,
            refresh: None,
            stays: false,
            branch_workers: 0,
            objects: None,
            language_servers: Vec::new(),
            log_lines_lost: 0,
        }
    }

    /// Whether the worker takes nodes on `generation` or a later one.
    pub fn is_ready_at(&self, generation: u64) -> bool {
        matches!(self.state, WorkerState::Idle | WorkerState::Busy)
            && self.generation.is_some_and(|has| has >= generation)
    }
}

/// How a worker ended by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "backend", derive(utoipa::ToSchema))]
pub struct WorkerExit {
    /// Its process.
    pub pid: u32,
    /// Exit status.
    #[serde(default)]
    pub code: Option<i32>,
    /// Name of the signal that it died of, `SIGKILL`.
    #[serde(default)]
    pub signal: Option<String>,
    /// File of the node that was running.
    #[serde(default)]
    pub was_running: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_backend_may_say_less() {
        let status: WorkerStatus =
            serde_json::from_str(r#"{"project":"p","state":"idle","pid":7}"#).expect("a status");
        assert!(!status.is_ready_at(0));
        let restart: RestartRequest = serde_json::from_str("{}").expect("a request");
        assert_eq!(restart.when, When::Idle);
    }
}

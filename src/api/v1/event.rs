//! What `GET /api/v1/events` tells: server-sent events, their data one of these as JSON.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Waiting;
use crate::project::ProjectId;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "backend", derive(utoipa::ToSchema))]
pub struct Event {
    /// What; also the `event:` field of the stream.
    #[serde(rename = "type")]
    pub kind: EventKind,
    /// The project that it happened to; none for [`EventKind::Gap`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "backend", schema(value_type = Option<String>))]
    pub project: Option<ProjectId>,
    /// The generation that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u64>,
    /// When.
    pub time: DateTime<Utc>,
    /// The run that ended, or that changed the environment; of a worker, the one that made its environment what it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// That run's number in its environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
    /// The worker that is ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// The worker whose place that one takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_pid: Option<u32>,
    /// Milliseconds: until the worker was ready since it was wanted, or that the node has waited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took_ms: Option<u64>,
    /// The terminal session that has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// Why a worker starts, or why it did not; how a language server was brought along, or why it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The node that waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// What it waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<Waiting>,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "backend", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum EventKind {
    /// A run that changed the environment ended and is recorded.
    RunFinished,
    /// The environment is at a new generation.
    EnvChanged,
    /// The next worker is being started.
    WorkerStarting,
    /// A worker has taken over.
    WorkerReady,
    /// The next worker did not start (`환경 갱신 실패`).
    WorkerFailed,
    /// A node waits, or does not wait any more; told of one that has waited for a moment.
    NodeWaiting,
    /// A page's language server is on the new environment: `injected`, `replaced` or `nothing`, by the reason.
    LspSynced,
    /// A page's language server has ended that was not to end.
    LspFailed,
    /// A terminal has ended.
    TerminalExited,
    /// Events are missing here: more came than are kept, or the daemon was started anew.
    Gap,
    /// Something that this version does not know.
    #[serde(other)]
    Other,
}

impl EventKind {
    /// Its name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::RunFinished => "run-finished",
            Self::EnvChanged => "env-changed",
            Self::WorkerStarting => "worker-starting",
            Self::WorkerReady => "worker-ready",
            Self::WorkerFailed => "worker-failed",
            Self::NodeWaiting => "node-waiting",
            Self::LspSynced => "lsp-synced",
            Self::LspFailed => "lsp-failed",
            Self::TerminalExited => "terminal-exited",
            Self::Gap => "gap",
            Self::Other => "other",
        }
    }
}

impl Event {
    /// Something that happens now, to nobody in particular.
    pub fn now(kind: EventKind) -> Self {
        Self {
            kind,
            project: None,
            generation: None,
            time: Utc::now(),
            run_id: None,
            number: None,
            pid: None,
            old_pid: None,
            took_ms: None,
            session: None,
            reason: None,
            file: None,
            waiting: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_json() {
        for kind in [
            EventKind::RunFinished,
            EventKind::EnvChanged,
            EventKind::WorkerStarting,
            EventKind::WorkerReady,
            EventKind::WorkerFailed,
            EventKind::NodeWaiting,
            EventKind::LspSynced,
            EventKind::LspFailed,
            EventKind::TerminalExited,
            EventKind::Gap,
            EventKind::Other,
        ] {
            assert_eq!(serde_json::json!(kind), kind.name());
        }
        let later: EventKind = serde_json::from_str("\"made-up-later\"").expect("a kind");
        assert_eq!(later, EventKind::Other);
    }
}

//! Language servers of pages (compat, section 13).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// How a page's language server is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "backend", derive(utoipa::ToSchema))]
pub struct LspHealth {
    /// Whether its process is there.
    pub running: bool,
    /// `not_created` where no page has asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// `pyright` or `ruff`: what the page asked for, whatever server that is.
    #[serde(default)]
    pub lsp: Option<String>,
    /// The project.
    #[serde(default)]
    pub project_id: Option<String>,
    /// The project's folder.
    #[serde(default)]
    pub path: Option<String>,
    /// How the server was started.
    #[serde(default)]
    pub command: Option<String>,
    /// The server's process.
    #[serde(default)]
    pub pid: Option<u32>,
    /// The generation that it knows.
    #[serde(default)]
    pub generation: Option<u64>,
    /// How often another server took the place of one.
    #[serde(default)]
    pub restarts: u32,
    /// Always 0: a server that is being started again is not counted by itself.
    #[serde(default)]
    pub restart_attempts: u32,
    /// How the last server that was not to end ended.
    #[serde(default)]
    pub last_exit: Option<String>,
    /// When something came from the page or went to it, in milliseconds since 1970.
    #[serde(default)]
    pub last_activity_ts: Option<i64>,
    /// When the page came.
    #[serde(default)]
    pub started_at: Option<DateTime<Utc>>,
    /// Seconds since then.
    #[serde(default)]
    pub uptime_seconds: Option<u64>,
}

impl LspHealth {
    /// No page has asked for it.
    pub fn not_created() -> Self {
        Self {
            reason: Some("not_created".to_owned()),
            ..Self::default()
        }
    }
}

/// Reply of `GET /api/lsp/health` without a type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "backend", derive(utoipa::ToSchema))]
pub struct LspHealths {
    /// The server that knows types.
    pub pyright: LspHealth,
    /// ruff.
    pub ruff: LspHealth,
}

/// Reply of `GET /api/lsp/status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "backend", derive(utoipa::ToSchema))]
pub struct LspStatus {
    /// The servers of pages.
    pub active_processes: Vec<LspHealth>,
    /// How many there are.
    pub count: usize,
}

/// Reply of `POST /api/lsp/restart/{type}` and `…/stop/{type}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "backend", derive(utoipa::ToSchema))]
pub struct LspDone {
    /// Whether there was one.
    pub success: bool,
    /// The same in words.
    pub message: String,
    /// How it was.
    pub before: LspHealth,
    /// How it is.
    pub after: LspHealth,
}

/// A message between a page and its server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "backend", derive(utoipa::ToSchema))]
pub struct LspCall {
    /// `client` or `server`: who sent it.
    pub direction: String,
    /// Its method; none for an answer.
    pub method: Option<String>,
    /// Its id, as JSON.
    pub id: Option<String>,
    /// Bytes of its body.
    pub bytes: usize,
    /// The project.
    pub project_id: String,
    /// `pyright` or `ruff`.
    pub lsp: String,
    /// When, in milliseconds since 1970.
    pub ts: i64,
}

/// Reply of `GET /api/lsp/logs`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "backend", derive(utoipa::ToSchema))]
pub struct LspCalls {
    /// How many there are here.
    pub count: usize,
    /// The messages, oldest first.
    pub events: Vec<LspCall>,
}

/// Reply of `GET /api/lsp/stdio`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "backend", derive(utoipa::ToSchema))]
pub struct LspLines {
    /// What the server said beside its messages, the last lines.
    pub lines: Vec<String>,
    /// How many there are here.
    pub count: usize,
}

//! Terminals: the sessions that there are. Each is had by a `WebSocket`.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::project::ProjectId;

/// Reply of `GET /api/v1/terminals`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "backend", derive(utoipa::ToSchema))]
pub struct TerminalList {
    /// The sessions, in the order in which they were begun.
    pub terminals: Vec<TerminalInfo>,
}

/// One session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "backend", derive(utoipa::ToSchema))]
pub struct TerminalInfo {
    /// Its id.
    pub session: String,
    /// The project that it is in.
    #[cfg_attr(feature = "backend", schema(value_type = String))]
    pub project: ProjectId,
    /// The project's folder.
    #[cfg_attr(feature = "backend", schema(value_type = String))]
    pub path: PathBuf,
    /// The command that has the terminal: the one that runs, or the shell; none where that cannot be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// The shell.
    #[cfg_attr(feature = "backend", schema(value_type = String))]
    pub shell: PathBuf,
    /// The shell's process.
    pub pid: u32,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// The environment's generation then.
    #[serde(default)]
    pub generation: u64,
    /// Whether a page shows it now.
    pub is_shown: bool,
    /// Columns of the terminal.
    pub cols: u16,
    /// Rows of the terminal.
    pub rows: u16,
    /// Seconds since something was typed or printed.
    pub idle_s: u64,
}

//! What was done to a project's environment, as far as its history knows.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Reply of `GET …/runs`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "backend", derive(utoipa::ToSchema))]
pub struct RunList {
    /// The runs, newest first.
    pub runs: Vec<RunInfo>,
    /// Whether there are older ones.
    pub more: bool,
    /// What of the history cannot be read, and why.
    pub problems: Vec<String>,
}

/// A run, with the fields that `aim-logs list --json` prints; those of a log of AIM-Forge's are fewer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "backend", derive(utoipa::ToSchema))]
pub struct RunInfo {
    /// Its id.
    pub id: String,
    /// Its number in its environment, `#27` for people; a log of AIM-Forge's has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
    /// As much of the id as tells it from the others.
    #[serde(default)]
    pub short: String,
    /// pip's command (`install`), or what the toolkit did (`sync`).
    pub action: String,
    /// What was asked for, as typed.
    #[serde(default)]
    pub packages: Vec<String>,
    /// The whole call.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub argv: Vec<String>,
    /// The folder that it was called in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    /// Who changed the environment: `pip`, `uv`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// When it began; of a log of AIM-Forge's, when it ended.
    pub started_at: DateTime<Utc>,
    /// How long it took, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// How it ended: `success`, `error` or `interrupted`.
    pub status: String,
    /// Its exit status; none when a signal ended it or nobody saw its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// The signal that ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
    /// The generation when it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation_before: Option<u64>,
    /// The generation when it had ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation_after: Option<u64>,
    /// What was not there before; none where nobody knows what changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub added: Option<Vec<ChangeInfo>>,
    /// What is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed: Option<Vec<ChangeInfo>>,
    /// What has another version, or was installed again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<Vec<ChangeInfo>>,
    /// Startup files that came, went or say something else.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub startup: Vec<StartupInfo>,
    /// Its log, relative to the project; none when it has no text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_path: Option<String>,
    /// Size of the log in bytes.
    #[serde(default)]
    pub bytes: u64,
    /// Who ran it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
}

/// What happened to one distribution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "backend", derive(utoipa::ToSchema))]
pub struct ChangeInfo {
    /// Its name.
    pub name: String,
    /// The version before; none when it was not there.
    pub from: Option<String>,
    /// The version after; none when it is gone, the same as before when it was installed again.
    pub to: Option<String>,
}

/// What happened to a startup file, such as a `.pth` file or `pyvenv.cfg`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "backend", derive(utoipa::ToSchema))]
pub struct StartupInfo {
    /// Its name, below site-packages; from the root where it lies elsewhere.
    pub name: String,
    /// `added`, `removed` or `changed`.
    pub change: String,
}

/// Reply of `GET …/nodes`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "backend", derive(utoipa::ToSchema))]
pub struct NodeFiles {
    /// Files in the project that a node may be run of, by name, relative to it.
    pub files: Vec<String>,
    /// There are more, which are not named.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub more: bool,
    /// Whether the project has a flow.
    pub flow: bool,
}

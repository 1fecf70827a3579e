//! One line of `runs.jsonl`: what a run was, what it did, how it ended.

use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

use super::run_id::{Generation, RunId, RunNumber};
use super::time;
use super::tool::Tool;
use crate::inventory::Diff;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It left with this status.
    Exited(i32),
    /// This signal killed it.
    Signaled(i32),
    /// Nobody saw its end: it was found unfinished later.
    Interrupted,
}

impl Ending {
    /// Whether the run did what it was asked for.
    pub fn is_success(self) -> bool {
        self == Self::Exited(0)
    }

    /// The end that these members of a record tell of.
    pub(crate) fn of(exit_code: Option<i32>, signal: Option<i32>) -> Self {
        match (exit_code, signal) {
            (_, Some(signal)) => Self::Signaled(signal),
            (Some(code), None) => Self::Exited(code),
            (None, None) => Self::Interrupted,
        }
    }

    /// The exit code and the signal, as a record has them.
    pub(crate) fn members(self) -> (Option<i32>, Option<i32>) {
        match self {
            Self::Exited(code) => (Some(code), None),
            Self::Signaled(signal) => (None, Some(signal)),
            Self::Interrupted => (None, None),
        }
    }
}

/// A run, as its line in `runs.jsonl` tells it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Version of the line's format: 1.
    pub schema: u32,
    /// The run's name.
    pub id: RunId,
    /// Its short name in this environment. Records of earlier versions have none: see [`history`](super::history).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<RunNumber>,
    /// pip's command (`install`), or what the toolkit did (`sync`).
    pub action: String,
    /// What was asked for, as typed.
    #[serde(default)]
    pub packages: Vec<String>,
    /// The whole call, secrets taken out.
    pub argv: Vec<String>,
    /// The folder that it was called in.
    #[serde(serialize_with = "lossy")]
    pub cwd: PathBuf,
    /// Who changed the environment.
    pub tool: Tool,
    /// When it began.
    #[serde(with = "time")]
    pub started_at: DateTime<Utc>,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// Its exit status; none when a signal ended it or nobody saw its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// The signal that ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
    /// Nobody saw its end: it was found unfinished later.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub interrupted: bool,
    /// The generation when it began.
    pub generation_before: Generation,
    /// The generation when it had ended: one more if it changed something.
    pub generation_after: Generation,
    /// `added`, `removed`, `changed`.
    #[serde(flatten)]
    pub changes: Diff,
    /// Its log, relative to the project, with `/`; none when it has no text.
    #[serde(default)]
    pub log_path: Option<String>,
    /// Size of the log in bytes.
    #[serde(default)]
    pub bytes: u64,
    /// Bytes of the log's `[stdout]` text, by which a reader finds `[stderr]` for sure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdout_bytes: Option<u64>,
    /// Who ran it.
    #[serde(default)]
    pub user: String,
    /// Its process.
    #[serde(default)]
    pub pid: u32,
    /// The programs that called it, the nearest first: `make`, `bash`, `code`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub callers: Vec<String>,
    /// The run that it took back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undoes: Option<RunId>,
    /// Milliseconds that it waited for another one's end before it began; not part of how long it took.
    #[serde(default, skip_serializing_if = "time::is_zero")]
    pub waited_ms: u64,
    /// What a newer toolkit wrote; kept.
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

/// `path` as text: records are JSON, and a folder's name may be any bytes.
pub(crate) fn lossy<S: Serializer>(path: &Path, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&path.to_string_lossy())
}

impl RunRecord {
    /// The format that this toolkit writes.
    pub const SCHEMA: u32 = 1;

    /// Its log is gone.
    pub(crate) fn forget_log(&mut self) {
        (self.log_path, self.stdout_bytes, self.bytes) = (None, None, 0);
    }

    /// What lists call it: its number, `#27`, or its id where it has none.
    pub fn name(&self) -> String {
        let number = self.number.map(|number| number.to_string());
        number.unwrap_or_else(|| self.id.to_string())
    }

    /// Whether it entered what was there when somebody first looked.
    pub fn is_first_look(&self) -> bool {
        self.generation_before == Generation::default()
            && matches!(self.action.as_str(), "init" | "sync")
    }

    /// How it ended.
    pub fn ending(&self) -> Ending {
        Ending::of(self.exit_code, self.signal)
    }

    /// How long it took.
    pub fn duration(&self) -> Duration {
        Duration::from_millis(self.duration_ms)
    }
}

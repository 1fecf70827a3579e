//! What whoever runs pip tells the store, and what it hears back.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::run_id::{Generation, RunId};
use super::run_output::RunOutput;
use super::run_record::{Ending, RunRecord, lossy};
use super::time;
use super::tool::Tool;
use crate::inventory::Snapshot;
use crate::project::Venv;
use crate::secrets;
use crate::store::error::StoreError;

/// A run that has begun.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StartedRun {
    /// Its name.
    pub id: RunId,
    /// pip's command (`install`), or what the toolkit does (`sync`).
    pub action: String,
    /// What was asked for, as typed, secrets taken out.
    pub packages: Vec<String>,
    /// The whole call, secrets taken out.
    pub argv: Vec<String>,
    /// The folder that it was called in.
    #[serde(serialize_with = "lossy")]
    pub cwd: PathBuf,
    /// Who changes the environment.
    pub tool: Tool,
    /// When it began.
    #[serde(with = "time")]
    pub started_at: DateTime<Utc>,
    /// Its process.
    pub pid: u32,
    /// The programs that called it, the nearest first; none where that tells nothing of who changes the environment.
    #[serde(default)]
    pub callers: Vec<String>,
    /// The run that it takes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undoes: Option<RunId>,
    /// Milliseconds that it waited for another one's end before it began.
    #[serde(default, skip_serializing_if = "time::is_zero")]
    pub waited_ms: u64,
}

impl StartedRun {
    /// The same run after its end; `output` is the text that it printed, if it was captured.
    pub fn finish(
        self,
        duration: Duration,
        ending: Ending,
        output: Option<RunOutput>,
    ) -> FinishedRun {
        FinishedRun {
            started: self,
            duration,
            ending,
            output,
        }
    }
}

/// What a finished run tells the store.
#[derive(Debug)]
pub struct FinishedRun {
    /// The run as it began.
    pub started: StartedRun,
    /// How long it took.
    pub duration: Duration,
    /// How it ended.
    pub ending: Ending,
    /// The text that it printed, if it was captured.
    pub output: Option<RunOutput>,
}

impl FinishedRun {
    /// A run `sync` of the tool that turned `before` into `now`, as somebody saw it at `seen_at`; `argv` and `cwd` are
    /// of the call that noticed.
    ///
    /// # Errors
    /// What is of the moment: then nobody knows which tool it was.
    pub(crate) fn seen(
        venv: &Venv,
        (before, now): (&Snapshot, &Snapshot),
        seen_at: DateTime<Utc>,
        (argv, cwd): (&[String], PathBuf),
    ) -> io::Result<Self> {
        let started = StartedRun {
            id: RunId::new(),
            action: "sync".to_owned(),
            packages: Vec::new(),
            argv: secrets::words(argv),
            cwd,
            tool: Tool::behind(&before.diff_to(now), venv, before, now)?,
            started_at: seen_at,
            pid: std::process::id(),
            callers: Vec::new(),
            undoes: None,
            waited_ms: 0,
        };
        Ok(started.finish(Duration::ZERO, Ending::Exited(0), None))
    }
}

/// What became of a run.
#[derive(Debug)]
pub struct Published {
    /// Its record.
    pub record: RunRecord,
    /// The generation now.
    pub generation: Generation,
    /// Whether this run raised it.
    pub raised: bool,
    /// Why the run has a record but no log.
    pub log_problem: Option<StoreError>,
}

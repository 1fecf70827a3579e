//! A run as the history shows it, whoever recorded it.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::run_id::RunNumber;
use super::run_record::{Ending, RunRecord};
use crate::inventory::Change;
use crate::secrets;

/// One remembered run.
#[derive(Debug, Clone, PartialEq)]
pub enum Run {
    /// A run with a record.
    Recorded(Box<RunRecord>),
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
    /// What was asked for. The header joins it by commas, so one with a comma in it comes in two.
    pub packages: Vec<String>,
    /// Whether it did what it was asked for.
    pub success: bool,
    /// When it ended.
    pub at: DateTime<Utc>,
    /// Size of the log in bytes.
    pub bytes: u64,
}

impl Run {
    /// Its id; for a log without a record, the log's file name without `.log`.
    pub fn id(&self) -> String {
        match self {
            Self::Recorded(record) => record.id.to_string(),
            Self::Lone(lone) => {
                let name = lone.log_path.rsplit('/').next().unwrap_or_default();
                name.strip_suffix(".log").unwrap_or(name).to_owned()
            }
        }
    }

    /// Its short name here, if it has a record.
    pub fn number(&self) -> Option<RunNumber> {
        self.record()?.number
    }

    /// What lists call it: its number, `#27`, or its id where it has none.
    pub fn name(&self) -> String {
        self.record().map_or_else(|| self.id(), RunRecord::name)
    }

    /// What it changed, as far as it has a record.
    pub fn changes(&self) -> impl Iterator<Item = &Change> {
        let record = self.record().into_iter();
        record.flat_map(|record| record.changes.changes())
    }

    /// When it began (a log without a record: ended).
    pub fn at(&self) -> DateTime<Utc> {
        match self {
            Self::Recorded(record) => record.started_at,
            Self::Lone(lone) => lone.at,
        }
    }

    /// When it ended.
    pub fn ended_at(&self) -> DateTime<Utc> {
        let took = self.record().map(RunRecord::duration);
        self.at() + took.unwrap_or_default()
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

    /// Size of its log in bytes.
    pub fn bytes(&self) -> u64 {
        match self {
            Self::Recorded(record) => record.bytes,
            Self::Lone(lone) => lone.bytes,
        }
    }

    /// The name of its log's file.
    pub fn log_name(&self) -> Option<&str> {
        self.log_path()?.rsplit('/').next()
    }

    /// As JSON: the fields of its record, without secrets, and `status` (`success`, `error`, as in a log's header, or
    /// `interrupted`). A log without a record has the same fields as far as they are known.
    ///
    /// # Errors
    /// None that is known.
    pub fn as_json(&self) -> serde_json::Result<Value> {
        let mut value = match self {
            Self::Recorded(record) => serde_json::to_value(record)?,
            Self::Lone(lone) => json!({
                "id": self.id(),
                "action": lone.action,
                "packages": lone.packages,
                "started_at": lone.at.to_rfc3339(),
                "log_path": lone.log_path,
                "bytes": lone.bytes,
            }),
        };
        let status = match self {
            _ if self.is_success() => "success",
            Self::Recorded(record) if record.ending() == Ending::Interrupted => "interrupted",
            _ => "error",
        };
        if let Some(fields) = value.as_object_mut() {
            fields.insert("status".to_owned(), Value::from(status));
            if let Self::Recorded(record) = self {
                fields.insert("argv".to_owned(), json!(secrets::words(&record.argv)));
            }
            let packages = json!(secrets::words(self.packages()));
            fields.insert("packages".to_owned(), packages);
        }
        Ok(value)
    }

    /// Its record, if it has one.
    pub fn record(&self) -> Option<&RunRecord> {
        match self {
            Self::Recorded(record) => Some(record),
            Self::Lone(_) => None,
        }
    }
}

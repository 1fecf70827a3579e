//! `env_meta.json`: the state of a project's environment, and its generation. AIM-Forge's format (compat, section 4) with fields of ours.

use std::io;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::run_id::{Generation, RunId};
use super::run_record::Tool;
use super::time;
use crate::inventory::{Diff, Distribution, Fingerprint, Snapshot};
use crate::project::ProjectLayout;

/// The file's content. AIM-Forge's keys come first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct EnvMeta {
    /// When the environment changed last: moves exactly when `generation` does.
    pub updated_at: Option<String>,
    /// What is installed, as `pip list --format json` gives it.
    pub packages: Vec<Package>,
    /// The last run, whether it changed something or not.
    pub last_action: Option<LastAction>,
    /// Version of the fields that AIM-Forge does not know: 1. 0 in a file that AIM-Forge wrote.
    #[serde(default)]
    pub schema: u32,
    /// The state of the environment as a number.
    #[serde(default)]
    pub generation: Generation,
    /// Hash of `packages`.
    #[serde(default)]
    pub fingerprint: Option<Fingerprint>,
    /// Version of the interpreter.
    #[serde(default)]
    pub python: Option<String>,
    /// The run that made this generation.
    #[serde(default)]
    pub last_change: Option<LastChange>,
    /// What others wrote; kept.
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

/// One installed distribution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    /// Its name as METADATA has it.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Where the project lies that is installed in editable form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub editable_project_location: Option<String>,
    /// What others wrote; kept while the distribution stays as it is.
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

/// The last run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LastAction {
    /// pip's command.
    pub action: String,
    /// What was asked for, as typed.
    #[serde(default)]
    pub packages: Vec<String>,
    /// Whether it did what it was asked for.
    pub success: bool,
    /// Its log, relative to the project.
    #[serde(default)]
    pub log_path: Option<String>,
    /// When it ended.
    pub timestamp: String,
    /// What others wrote; kept.
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

/// The run that made the generation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LastChange {
    /// The generation that it made.
    pub generation: Generation,
    /// The run.
    pub run_id: RunId,
    /// Who made the change.
    pub source: Tool,
    /// `added`, `removed`, `changed`.
    #[serde(flatten)]
    pub changes: Diff,
    /// What others wrote; kept.
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

/// Whether the file could be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MetaState {
    /// It is there and sound.
    Present,
    /// It is not there.
    Absent,
    /// It is there and says nothing that can be used, for this reason.
    Broken(String),
}

impl EnvMeta {
    /// The version of our fields that this toolkit writes.
    pub const SCHEMA: u32 = 1;

    /// What the project's file says; what AIM-Forge takes for an absent file (nothing) when there is none or it is broken.
    pub fn read(project: &ProjectLayout) -> (Self, MetaState) {
        match std::fs::read(project.env_meta()) {
            Ok(bytes) => match serde_json::from_slice(&bytes) {
                Ok(meta) => (meta, MetaState::Present),
                Err(error) => (Self::default(), MetaState::Broken(error.to_string())),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                (Self::default(), MetaState::Absent)
            }
            Err(error) => (Self::default(), MetaState::Broken(error.to_string())),
        }
    }

    /// The state of the environment as a number.
    pub fn generation(&self) -> Generation {
        self.generation
    }

    /// When the environment changed last.
    pub fn updated_at(&self) -> Option<DateTime<Utc>> {
        self.updated_at.as_deref().and_then(time::parse)
    }

    /// What is installed, by names and versions alone.
    pub fn snapshot(&self) -> Snapshot {
        self.packages.iter().map(Package::distribution).collect()
    }
}

impl Package {
    fn distribution(&self) -> Distribution {
        let one = Distribution::new(&self.name, &self.version);
        match &self.editable_project_location {
            Some(location) => one.editable_at(location),
            None => one,
        }
    }
}

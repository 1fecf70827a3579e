//! Projects, and what happens to their environments.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::WorkerStatus;
use crate::project::ProjectId;

/// Reply of `GET /api/v1/resolve?path=`, and a project in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "backend", derive(utoipa::ToSchema))]
pub struct ProjectInfo {
    /// The project's id.
    #[cfg_attr(feature = "backend", schema(value_type = String))]
    pub id: ProjectId,
    /// Its folder.
    #[cfg_attr(feature = "backend", schema(value_type = String))]
    pub path: PathBuf,
    /// Its environment's folder; none while it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "backend", schema(value_type = Option<String>))]
    pub environment: Option<PathBuf>,
    /// Version of the environment's Python, as the environment tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub python: Option<String>,
    /// Whether it stands in the registry, rather than under the daemon's projects root.
    #[serde(default)]
    pub registered: bool,
    /// Its worker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<WorkerStatus>,
    /// How changes of its environment are noticed; none while the project is neither used nor
    /// followed (the toolkit is not in its environment).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watching: Option<Watching>,
}

/// How changes that other tools make in an environment are noticed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "backend", derive(utoipa::ToSchema))]
pub struct Watching {
    /// By which means.
    pub mode: WatchMode,
    /// Why not by the best means, or why what was noticed could not be recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Whether what was noticed waits for whoever is changing the environment.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub waits: bool,
}

/// By which means changes are noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "backend", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum WatchMode {
    /// The system tells of them at once.
    Events,
    /// By looking: before each node, and every few seconds.
    Polling,
    /// Not at all: the toolkit is switched off for this project.
    Off,
}

/// Reply of `GET /api/v1/projects`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "backend", derive(utoipa::ToSchema))]
pub struct ProjectList {
    /// All projects, by id.
    pub projects: Vec<ProjectInfo>,
}

/// Body of `POST /api/v1/projects`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "backend", derive(utoipa::ToSchema))]
pub struct RegisterProject {
    /// The project's folder, or a folder in it; absolute.
    #[cfg_attr(feature = "backend", schema(value_type = String))]
    pub path: PathBuf,
}

/// Body of `POST …/env-changed`; the reply is a [`WorkerStatus`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "backend", derive(utoipa::ToSchema))]
pub struct EnvChanged {
    /// The environment's generation now. Only a hint: `env_meta.json` is the truth.
    pub generation: u64,
    /// The run that raised it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// How long to wait for the worker to be ready at that generation, in seconds; without it the reply comes at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_s: Option<f64>,
}

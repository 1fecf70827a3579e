//! What a node, or whoever wants the worker, waits for.

use serde::{Deserialize, Serialize};

/// What is waited for: by a node ([`NodeEvent::Waiting`](super::NodeEvent::Waiting), the event `node-waiting`), or by
/// whoever wants the worker ([`WorkerStatus::waiting`](super::WorkerStatus::waiting)).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "backend", derive(utoipa::ToSchema))]
pub struct Waiting {
    /// For what.
    pub r#for: WaitFor,
    /// The file of the node that runs; of a worker that starts, the file whose change has made that needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The distributions, and startup files, by whose change a new worker is needed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changed: Vec<String>,
}

/// For what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "backend", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum WaitFor {
    /// Another node that runs on the worker.
    Node,
    /// A worker that is being started.
    Worker,
    /// Nothing any more: the node runs.
    #[default]
    Nothing,
    /// Something that this version does not know.
    #[serde(other)]
    Other,
}

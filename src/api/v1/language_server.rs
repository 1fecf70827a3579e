//! Language servers that are kept in step with a project's environment.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// A language server, as who brings it along says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "backend", derive(utoipa::ToSchema))]
pub struct LanguageServer {
    /// Version of this format: 1.
    pub schema: u32,
    /// The proxy's process.
    pub pid: u32,
    /// When it began, as the system counts; none where that is not told.
    #[serde(default)]
    pub began: Option<u64>,
    /// Name of the server, `unknown` for one that nobody knows.
    pub server: String,
    /// The command that starts it.
    pub command: Vec<String>,
    /// The server's process.
    #[serde(default)]
    pub server_pid: Option<u32>,
    /// How many servers it has started, one after the other.
    #[serde(default)]
    pub servers: u32,
    /// The environment's generation.
    pub env_generation: u64,
    /// The generation that the server knows.
    pub generation: u64,
    /// When the server was brought along last.
    #[serde(default)]
    pub synced_at: Option<DateTime<Utc>>,
    /// How: `injected`, `replaced`, `nothing`.
    #[serde(default)]
    pub how: Option<String>,
    /// How long that took, in milliseconds.
    #[serde(default)]
    pub took_ms: Option<u64>,
    /// Why it is not as it should be.
    #[serde(default)]
    pub error: Option<String>,
}

impl LanguageServer {
    /// Whether it knows an older environment than there is.
    pub fn is_behind(&self) -> bool {
        self.generation < self.env_generation
    }
}

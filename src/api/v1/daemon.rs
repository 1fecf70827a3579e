//! The daemon itself, and how it refuses.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::codes::ErrorCode;
use super::worker::When;

/// What the toolkit's daemon calls itself in [`Health`]; another backend that offers these calls has another name.
pub const PROGRAM: &str = "aim-backend";

/// Reply of `GET /api/health`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "backend", derive(utoipa::ToSchema))]
pub struct Health {
    /// `healthy`.
    pub status: String,
    /// `backend`.
    pub service: String,
    /// Which program answers: `aim-backend`, or another that offers these calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// The daemon's process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// When it began to serve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<DateTime<Utc>>,
    /// The page's address with its token, which lets a browser in; only the person's own programs are told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
    /// Folder whose sub-folders are projects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "backend", schema(value_type = Option<String>))]
    pub projects_root: Option<PathBuf>,
    /// Lines of its log that could not be written.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub log_lines_lost: u64,
    /// What failed in it.
    #[serde(default, skip_serializing_if = "Faults::is_none")]
    pub faults: Faults,
}

impl Health {
    /// Whether it is the toolkit's own daemon that answers: no other may be ended, or be advised to be.
    pub fn is_ours(&self) -> bool {
        self.program.as_deref() == Some(PROGRAM)
    }
}

/// Parts of the daemon that failed since it began, and were begun anew. Each is a fault of the toolkit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "backend", derive(utoipa::ToSchema))]
pub struct Faults {
    /// How many.
    pub count: u64,
    /// The last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Fault>,
}

impl Faults {
    /// Whether nothing has failed.
    pub fn is_none(&self) -> bool {
        self.count == 0
    }
}

/// A part of the daemon that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "backend", derive(utoipa::ToSchema))]
pub struct Fault {
    /// Which.
    pub part: String,
    /// How.
    pub why: String,
    /// When.
    pub at: DateTime<Utc>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
pub(super) fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Body of `POST /api/v1/restart`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "backend", derive(utoipa::ToSchema))]
pub struct MoveRequest {
    /// The program that is to take the daemon's place: an absolute path.
    #[cfg_attr(feature = "backend", schema(value_type = String))]
    pub program: PathBuf,
    /// When: with `idle`, once no node or flow runs.
    #[serde(default)]
    pub when: When,
}

/// Reply of `POST /api/v1/restart`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "backend", derive(utoipa::ToSchema))]
pub struct Moving {
    /// Calls under way that are waited for: nodes, flows.
    pub waits_for: usize,
    /// Terminals that go along.
    pub terminals: usize,
}

/// Reply of `GET /api/version`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "backend", derive(utoipa::ToSchema))]
#[expect(clippy::struct_field_names, reason = "the names of the wire")]
pub struct Version {
    /// Version of the calls ([`API_VERSION`](super::API_VERSION)).
    pub api_version: String,
    /// The toolkit's version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Version of the Python that serves, where one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub python_version: Option<String>,
}

/// Body of every refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "backend", derive(utoipa::ToSchema))]
pub struct ErrorBody {
    /// What went wrong, for people; English.
    pub detail: String,
    /// What went wrong, for programs.
    pub code: ErrorCode,
}

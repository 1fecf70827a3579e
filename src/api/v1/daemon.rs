//! The daemon itself, and how it refuses.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Reply of `GET /api/health`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// `healthy`.
    pub status: String,
    /// `backend`.
    pub service: String,
    /// The daemon's process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// When it began to serve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<DateTime<Utc>>,
    /// Folder whose sub-folders are projects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub projects_root: Option<PathBuf>,
}

/// Reply of `GET /api/version`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
pub struct ErrorBody {
    /// What went wrong, for people; English.
    pub detail: String,
    /// What went wrong, for programs.
    pub code: ErrorCode,
}

/// What went wrong, for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorCode {
    /// The call cannot be understood: not JSON, wrong type, bad number.
    BadRequest,
    /// A TCP call without the token or with a wrong one.
    Unauthorized,
    /// A TCP call for another host name or from a page of another origin.
    Forbidden,
    /// There is no such call.
    NoSuchCall,
    /// The call exists, with another method.
    MethodNotAllowed,
    /// There is no such project.
    NoSuchProject,
    /// The project has no environment.
    NoEnvironment,
    /// The project is a folder of the projects root, so there is no registration to forget.
    NotRegistered,
    /// The body is larger than the daemon takes.
    TooLarge,
    /// The worker on the new environment did not start (`환경 갱신 실패`).
    EnvironmentRefreshFailed,
    /// Somebody stopped the worker before it was ready.
    WorkerStopped,
    /// The daemon is on its way out.
    ShuttingDown,
    /// The daemon itself failed: a file that cannot be written, say.
    Internal,
    /// A code that this version does not know.
    #[serde(other)]
    Other,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_of_a_later_version_is_read() {
        let body: ErrorBody =
            serde_json::from_str(r#"{"detail":"x","code":"made-up-later"}"#).expect("an error");
        assert_eq!(body.code, ErrorCode::Other);
    }
}

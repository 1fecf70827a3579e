//! Every request and reply of version 1, as JSON has it.
//!
//! Readers ignore fields that they do not know, so a field can be added without a new version; a field that an older
//! or another backend (design, section 7) may lack has a default.

use std::fmt;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::project::ProjectId;

/// Version of the calls; the first number changes when an old client would go wrong.
pub const API_VERSION: &str = "1.0.0";

/// The longest wait that a call accepts, in seconds.
pub const LONGEST_WAIT_S: f64 = 300.0;

/// Media type of a body that is a sequence of JSON values, one a line.
pub const NDJSON: &str = "application/x-ndjson";

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
    /// Version of the calls ([`API_VERSION`]).
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

/// Reply of `GET /api/v1/resolve?path=`, and a project in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProjectInfo {
    /// The project's id.
    pub id: ProjectId,
    /// Its folder.
    pub path: PathBuf,
    /// Its environment's folder; none while it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<PathBuf>,
    /// Whether it stands in the registry, rather than under the daemon's projects root.
    #[serde(default)]
    pub registered: bool,
    /// Its worker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<WorkerStatus>,
    /// How changes of its environment are noticed; none while the project is not in use, and so not watched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watching: Option<Watching>,
}

/// How changes that other tools make in an environment are noticed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watching {
    /// By which means.
    pub mode: WatchMode,
    /// Why not by the best means, or why what was noticed could not be recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// By which means changes are noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
pub struct ProjectList {
    /// All projects, by id.
    pub projects: Vec<ProjectInfo>,
}

/// Body of `POST /api/v1/projects`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisterProject {
    /// The project's folder, or a folder in it; absolute.
    pub path: PathBuf,
}

/// Body of `POST …/env-changed`; the reply is a [`WorkerStatus`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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

/// When a worker gives way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum When {
    /// When the node that it runs, if any, has finished.
    #[default]
    Idle,
    /// At once: a running node is lost.
    Now,
}

/// Body of `POST …/worker/restart`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RestartRequest {
    /// When the old worker gives way.
    pub when: When,
    /// How long to wait for the new worker, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait_s: Option<f64>,
    /// Why, for the worker's log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Reply of `POST …/worker/restart`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Restarted {
    /// Whether a new worker took over within the wait.
    pub restarted: bool,
    /// The worker before.
    #[serde(default)]
    pub old_pid: Option<u32>,
    /// The worker now.
    #[serde(default)]
    pub new_pid: Option<u32>,
    /// Its state.
    pub worker: WorkerStatus,
}

/// Body of `POST …/worker/stop`; the reply is a [`WorkerStatus`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct StopRequest {
    /// Whether a running node is waited for.
    pub when: When,
}

/// Where a worker is in its life.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WorkerState {
    /// No process; the next node starts one.
    #[default]
    Stopped,
    /// On its way.
    Starting,
    /// Ready for a node.
    Idle,
    /// A node runs.
    Busy,
    /// The last start failed; the next node tries again.
    Failed,
}

/// Reply of `GET …/worker`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorkerStatus {
    /// The project.
    pub project: ProjectId,
    /// Where the worker is in its life.
    pub state: WorkerState,
    /// Its process.
    #[serde(default)]
    pub pid: Option<u32>,
    /// The generation that it was born with.
    #[serde(default)]
    pub generation: Option<u64>,
    /// The generation that `env_meta.json` has.
    #[serde(default)]
    pub env_generation: u64,
    /// Version of its Python.
    #[serde(default)]
    pub python: Option<String>,
    /// When it took over.
    #[serde(default)]
    pub started_at: Option<DateTime<Utc>>,
    /// File of the node that it runs.
    #[serde(default)]
    pub busy_with: Option<String>,
    /// How often a worker has taken the place of another since the daemon began.
    #[serde(default)]
    pub restarts: u64,
    /// Why the last start failed.
    #[serde(default)]
    pub last_error: Option<String>,
    /// How the last worker that was not asked to end ended.
    #[serde(default)]
    pub last_exit: Option<WorkerExit>,
    /// What became of the worker when the environment changed last, and why: replaced, or kept.
    #[serde(default)]
    pub last_refresh: Option<String>,
}

impl WorkerStatus {
    /// The state of a worker that was never used.
    pub fn unused(project: ProjectId) -> Self {
        Self {
            project,
            state: WorkerState::Stopped,
            pid: None,
            generation: None,
            env_generation: 0,
            python: None,
            started_at: None,
            busy_with: None,
            restarts: 0,
            last_error: None,
            last_exit: None,
            last_refresh: None,
        }
    }

    /// Whether the worker takes nodes on `generation` or a later one.
    pub fn is_ready_at(&self, generation: u64) -> bool {
        matches!(self.state, WorkerState::Idle | WorkerState::Busy)
            && self.generation.is_some_and(|has| has >= generation)
    }
}

/// How a worker ended by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerExit {
    /// Its process.
    pub pid: u32,
    /// Exit status.
    #[serde(default)]
    pub code: Option<i32>,
    /// Name of the signal that it died of, `SIGKILL`.
    #[serde(default)]
    pub signal: Option<String>,
    /// File of the node that was running.
    #[serde(default)]
    pub was_running: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
}

/// Body of `POST …/nodes/run`. The reply is [`NDJSON`], a [`NodeEvent`] a line, [`NodeEvent::Reply`] the last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NodeRun {
    /// The node's file, in the project's folder.
    pub file: String,
    /// Its input.
    #[serde(default)]
    pub input: Json,
    /// How long it may run, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_s: Option<f64>,
}

/// A stream that a node wrote to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// What a node printed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeOutput {
    /// Where to.
    pub stream: Stream,
    /// What; any number of lines, or a part of one.
    pub text: String,
}

/// One line of the reply to `nodes/run`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum NodeEvent {
    /// The node printed.
    Output(NodeOutput),
    /// The node ended; the last line.
    Reply {
        /// The worker's reply object (compat, section 8), as the worker wrote it.
        reply: Json,
    },
}

impl<'de> Deserialize<'de> for NodeEvent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // By hand, since serde cannot keep raw JSON inside a tagged enum.
        #[derive(Deserialize)]
        struct Line {
            r#type: String,
            stream: Option<Stream>,
            text: Option<String>,
            reply: Option<Json>,
        }
        let missing = serde::de::Error::missing_field;
        let line = Line::deserialize(deserializer)?;
        match line.r#type.as_str() {
            "output" => Ok(Self::Output(NodeOutput {
                stream: line.stream.ok_or_else(|| missing("stream"))?,
                text: line.text.ok_or_else(|| missing("text"))?,
            })),
            "reply" => Ok(Self::Reply {
                reply: line.reply.ok_or_else(|| missing("reply"))?,
            }),
            other => Err(serde::de::Error::unknown_variant(
                other,
                &["output", "reply"],
            )),
        }
    }
}

/// JSON that is passed on as it was written: big numbers keep their digits, nothing is copied into a tree.
///
/// **Invariant:** on one line, so that it can stand in [`NDJSON`] and in the worker's protocol.
#[derive(Clone)]
pub struct Json(Box<RawValue>);

impl Json {
    /// `text` as JSON.
    ///
    /// # Errors
    /// When it is not one JSON value.
    pub fn parse(text: impl Into<String>) -> serde_json::Result<Self> {
        RawValue::from_string(text.into()).map(Self::on_one_line)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    /// The value, for who wants to look inside.
    ///
    /// # Errors
    /// When it does not have the shape of a `T`.
    pub fn read<'a, T: Deserialize<'a>>(&'a self) -> serde_json::Result<T> {
        serde_json::from_str(self.as_str())
    }

    /// In JSON, line ends stand between tokens only (RFC 8259, section 7), where a space means the same.
    fn on_one_line(raw: Box<RawValue>) -> Self {
        let text = raw.get();
        if !text.contains(['\n', '\r']) {
            return Self(raw);
        }
        let text = text.replace(['\n', '\r'], " ");
        Self(
            RawValue::from_string(text).expect("white space for white space leaves JSON as it was"),
        )
    }
}

impl Default for Json {
    fn default() -> Self {
        Self(RawValue::NULL.to_owned())
    }
}

impl From<&Value> for Json {
    fn from(value: &Value) -> Self {
        Self(serde_json::value::to_raw_value(value).expect("a JSON value is JSON"))
    }
}

impl From<Value> for Json {
    fn from(value: Value) -> Self {
        Self::from(&value)
    }
}

/// The same text.
impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Json {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::<RawValue>::deserialize(deserializer).map(Self::on_one_line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_event(line: &str, expected: Result<NodeEvent, &str>) {
        match (serde_json::from_str::<NodeEvent>(line), expected) {
            (Ok(event), Ok(expected)) => {
                assert_eq!(event, expected);
                assert_eq!(serde_json::to_string(&event).expect("JSON"), line);
            }
            (Err(error), Err(expected)) => {
                assert!(error.to_string().contains(expected), "{error}");
            }
            (read, expected) => panic!("{line}: {read:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn node_events_go_there_and_back() {
        check_event(
            r#"{"type":"output","stream":"stderr","text":"가\n"}"#,
            Ok(NodeEvent::Output(NodeOutput {
                stream: Stream::Stderr,
                text: "가\n".into(),
            })),
        );
        check_event(
            r#"{"type":"reply","reply":{"id":"1","ok":true,"output":123456789012345678901234567890}}"#,
            Ok(NodeEvent::Reply {
                reply: Json::parse(
                    r#"{"id":"1","ok":true,"output":123456789012345678901234567890}"#,
                )
                .expect("JSON"),
            }),
        );
        check_event(r#"{"type":"reply"}"#, Err("reply"));
        check_event(r#"{"type":"output","text":"x"}"#, Err("stream"));
        check_event(r#"{"type":"else"}"#, Err("unknown variant"));
    }

    #[test]
    fn input_keeps_its_digits_and_loses_its_lines() {
        let node: NodeRun = serde_json::from_str(
            "{\"file\":\"a.py\",\"input\":{\r\n \"n\": 1.0000000000000000001,\n\"t\":\"\\n\"}}",
        )
        .expect("a node");
        assert_eq!(
            node.input.as_str(),
            r#"{   "n": 1.0000000000000000001, "t":"\n"}"#
        );
        let bare: NodeRun = serde_json::from_str(r#"{"file":"a.py"}"#).expect("a node");
        assert_eq!(bare.input.as_str(), "null");
    }

    #[test]
    fn a_code_of_a_later_version_is_read() {
        let body: ErrorBody =
            serde_json::from_str(r#"{"detail":"x","code":"made-up-later"}"#).expect("an error");
        assert_eq!(body.code, ErrorCode::Other);
    }

    #[test]
    fn another_backend_may_say_less() {
        let status: WorkerStatus =
            serde_json::from_str(r#"{"project":"p","state":"idle","pid":7}"#).expect("a status");
        assert!(!status.is_ready_at(0));
        let restart: RestartRequest = serde_json::from_str("{}").expect("a request");
        assert_eq!(restart.when, When::Idle);
    }
}

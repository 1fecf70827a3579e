//! Every request and reply of version 1, as JSON has it; a file for each resource.
//!
//! Readers ignore fields that they do not know, so a field can be added without a new version; a field that an older
//! or another backend (design, section 7) may lack has a default.

mod codes;
mod daemon;
mod event;
mod flow;
mod language_server;
mod lsp;
mod node;
mod node_text;
mod project;
mod refresh;
mod run;
mod terminal;
mod waiting;
mod worker;

pub use codes::{ErrorCode, NodeCode};
pub use daemon::{ErrorBody, Fault, Faults, Health, MoveRequest, Moving, PROGRAM, Version};
pub use event::{Event, EventKind};
pub use flow::{FlowDone, FlowEvent, FlowEvents, FlowNode, FlowResult, FlowRun, FlowStatus};
pub use language_server::LanguageServer;
pub use lsp::{LspCall, LspCalls, LspDone, LspHealth, LspHealths, LspLines, LspStatus};
pub use node::{NodeEvent, NodeOutput, NodeRun, OnDisconnect, Shows, Stream};
pub use node_text::{NewNodeText, NodeText};
pub use project::{EnvChanged, ProjectInfo, ProjectList, RegisterProject, WatchMode, Watching};
pub use refresh::Refresh;
pub use run::{NodeFiles, RunInfo, RunList};
pub use terminal::{TerminalInfo, TerminalList};
pub use waiting::{WaitFor, Waiting};
pub use worker::{
    InterruptRequest, Interrupted, KeptObjects, RestartRequest, Restarted, StopRequest, When,
    WorkerExit, WorkerState, WorkerStatus,
};

/// Version of the calls; the first number changes when an old client would go wrong.
pub const API_VERSION: &str = "1.0.0";

/// The longest wait that a call accepts, in seconds.
pub const LONGEST_WAIT_S: f64 = 300.0;

/// Media type of a body that is a sequence of JSON values, one a line.
pub const NDJSON: &str = "application/x-ndjson";

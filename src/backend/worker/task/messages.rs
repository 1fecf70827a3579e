//! What is asked of a worker's task, and what it answers.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot, watch};

use crate::api::v1::{NodeCode, NodeOutput, RestartRequest, Restarted, When, WorkerStatus};
use crate::backend::worker::protocol::{DaemonReply, Request, WorkerReply};
use crate::backend::worker::start::Spare;

/// Why there is no worker.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WorkerError {
    /// The worker on the environment as it is now did not start. (AIM-Forge's words; API texts are not translated.)
    #[error("환경 갱신 실패: {0}")]
    RefreshFailed(String),
    /// Somebody stopped the worker before it was ready.
    #[error("the worker was stopped")]
    Stopped,
    /// The daemon is on its way out.
    #[error("the daemon is shutting down")]
    ShuttingDown,
    /// The daemon itself failed.
    #[error("the daemon failed at this; its log says how")]
    DaemonFailed,
}

impl WorkerError {
    /// The same for programs, to whoever wanted to run a node.
    pub(crate) fn code(&self) -> NodeCode {
        match self {
            Self::RefreshFailed(_) => NodeCode::EnvironmentRefreshFailed,
            Self::Stopped => NodeCode::WorkerStopped,
            Self::ShuttingDown => NodeCode::ShuttingDown,
            Self::DaemonFailed => NodeCode::Internal,
        }
    }
}

/// What is asked of the task.
#[derive(Debug)]
pub(crate) enum Control {
    Status(oneshot::Sender<WorkerStatus>),
    Start(Waiter),
    Restart(RestartRequest, Waiter),
    Stop(When, oneshot::Sender<()>),
    EnvChanged,
    /// To hand over its spare, for another worker of the project.
    GiveSpare(oneshot::Sender<Option<Spare>>),
    /// To begin with this one.
    TakeSpare(Spare),
    /// Somebody let go of an object.
    Tidy,
    /// The shared memory that the process `pid` has as `descriptor` was opened by whom it was for.
    Close {
        pid: u32,
        descriptor: u32,
    },
    Run(Node),
    Interrupt(Option<String>, oneshot::Sender<usize>),
    ShutDown(oneshot::Sender<()>),
    /// To panic, as a fault of ours would.
    #[cfg(test)]
    Panic,
}

/// Answered when a worker has taken over, or cannot.
pub(crate) type Waiter = oneshot::Sender<Result<Restarted, WorkerError>>;

/// What a worker is to do: a node, or a question about an object.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) request: Request,
    /// The node's file.
    pub(crate) file: String,
    /// Seconds that it may run.
    pub(crate) limit: Option<f64>,
    /// Whether it is a node, which wants the environment as it is now, and no question about an object.
    pub(crate) wants_now: bool,
    /// Whether it runs now.
    pub(crate) turn: Turn,
    /// The process that it is for, which has its objects; any other is of no use.
    pub(crate) on: Option<u32>,
}

/// Whether a node's turn has come, for whoever waits for it. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Turn(Arc<watch::Sender<bool>>);

impl Turn {
    pub(super) fn set(&self, has_come: bool) {
        self.0.send_replace(has_come);
    }

    pub(crate) fn has_come(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it has come.
    pub(crate) async fn comes(&self) {
        // Its sender is here, so this cannot fail.
        let _ = self.0.subscribe().wait_for(|has_come| *has_come).await;
    }
}

/// An order, and who waits for what comes of it.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) order: Order,
    /// How many workers have declined it.
    pub(crate) declined: u32,
    pub(crate) output: mpsc::Sender<NodeOutput>,
    pub(crate) reply: oneshot::Sender<WorkerReply>,
}

/// The reply of a daemon that is on its way out.
pub(crate) fn shutting_down() -> WorkerReply {
    let why = WorkerError::ShuttingDown;
    DaemonReply::new("", &why.to_string(), why.code()).into()
}

/// The reply to the node `id`, with which the daemon failed.
pub(crate) fn failed_within(id: &str, why: Option<&str>) -> WorkerReply {
    let error = WorkerError::DaemonFailed.to_string();
    let reply = DaemonReply {
        detail: why,
        ..DaemonReply::new(id, &error, NodeCode::Internal)
    };
    reply.into()
}

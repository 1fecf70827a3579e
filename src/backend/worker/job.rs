//! The handle on a project's worker, and what can be asked through it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};

use super::log::log_path;
use super::protocol::Refusal;
use super::reply::Reply;
use super::standby::Plan;
use super::task::Task;
use crate::api::v1::{
    LONGEST_WAIT_S, NodeOutput, NodeRun, RestartRequest, Restarted, When, WorkerStatus,
};
use crate::host::Host;
use crate::project::{Project, ProjectId};
use crate::store::Generation;

/// Requests that may wait for the task; more make their askers wait.
const QUEUE: usize = 64;

/// Folders and limits of a daemon's workers.
#[derive(Debug, Clone)]
pub struct JobSettings {
    /// Where the worker's script is written: a folder that is private to the daemon's user, made if it is missing.
    pub script_folder: PathBuf,
    /// Where worker logs are, a file a project ([`log_path`]).
    pub log_folder: PathBuf,
    /// How long a start may take.
    pub start_limit: Duration,
    /// How long a process has to end by itself before it is killed.
    pub grace: Duration,
    /// How long an unused project keeps its spare: an interpreter of some 9 MB, for a start of 1 ms instead of 25.
    pub spare_idle: Duration,
    /// How long after a failed start it is tried again, at first; each time twice as long.
    pub retry: Duration,
}

impl JobSettings {
    /// The usual limits.
    pub fn new(script_folder: impl Into<PathBuf>, log_folder: impl Into<PathBuf>) -> Self {
        Self {
            script_folder: script_folder.into(),
            log_folder: log_folder.into(),
            start_limit: Duration::from_secs(30),
            grace: Duration::from_secs(2),
            spare_idle: Duration::from_secs(600),
            retry: Duration::from_secs(2),
        }
    }
}

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
}

/// What is asked of the task.
#[derive(Debug)]
pub(super) enum Control {
    Status(oneshot::Sender<WorkerStatus>),
    Start(Waiter),
    Restart(RestartRequest, Waiter),
    Stop(When, oneshot::Sender<()>),
    EnvChanged,
    Run(Node),
    Interrupt(Option<String>, oneshot::Sender<usize>),
    ShutDown(oneshot::Sender<()>),
}

/// Answered when a worker has taken over, or cannot.
pub(super) type Waiter = oneshot::Sender<Result<Restarted, WorkerError>>;

/// A node that was asked for.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) run: NodeRun,
    pub(super) output: mpsc::Sender<NodeOutput>,
    pub(super) reply: oneshot::Sender<Reply>,
}

/// The handle on one project's worker. When the last handle is gone, so is the worker.
#[derive(Debug, Clone)]
pub struct Job {
    ask: mpsc::Sender<Control>,
    status: watch::Receiver<WorkerStatus>,
    log: PathBuf,
}

impl Job {
    /// Takes charge of `project`'s worker; starts no process yet. Its variables are made from `host`'s.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn start(project: Project, id: ProjectId, host: &Host, settings: JobSettings) -> Self {
        let (ask, asked) = mpsc::channel(QUEUE);
        let (status_sender, status) = watch::channel(WorkerStatus::unused(id.clone()));
        let log = log_path(&settings.log_folder, &id);
        let plan = Plan {
            host: host.clone(),
            project,
            settings,
        };
        tokio::spawn(Task::new(id, Arc::new(plan), asked, status_sender).run());
        Self { ask, status, log }
    }

    /// The worker's state, with the generation that is on disk now.
    pub async fn status(&self) -> WorkerStatus {
        let (reply, answer) = oneshot::channel();
        let _ = self.ask.send(Control::Status(reply)).await;
        match answer.await {
            Ok(status) => status,
            Err(_) => self.status.borrow().clone(),
        }
    }

    /// The worker's state as it changes.
    pub fn watch(&self) -> watch::Receiver<WorkerStatus> {
        self.status.clone()
    }

    /// The worker's log; the part before it is beside it, with `.1` added.
    pub fn log(&self) -> &std::path::Path {
        &self.log
    }

    /// Makes sure that there is a worker on the environment as it is now.
    ///
    /// # Errors
    /// When it does not start, or is stopped before it is ready.
    pub async fn start_worker(&self) -> Result<WorkerStatus, WorkerError> {
        let restarted = self.wait_for(Control::Start).await?;
        Ok(restarted.worker)
    }

    /// Puts a new worker in the place of the one there is. When it is not there within `wait_s`, it still comes, and the
    /// reply says `restarted: false`.
    ///
    /// # Errors
    /// As [`Self::start_worker`].
    pub async fn restart(&self, request: RestartRequest) -> Result<Restarted, WorkerError> {
        let wait = request.wait_s.map(wait);
        let old_pid = self.status.borrow().pid;
        let restarted = self.wait_for(|waiter| Control::Restart(request, waiter));
        let Some(wait) = wait else {
            return restarted.await;
        };
        match tokio::time::timeout(wait, restarted).await {
            Ok(restarted) => restarted,
            Err(_) => Ok(Restarted {
                restarted: false,
                old_pid,
                new_pid: None,
                worker: self.status().await,
            }),
        }
    }

    /// Ends the worker and its spare: when the nodes that were asked for before are done, or now. Returns when the
    /// processes are gone. The next node starts a new one.
    pub async fn stop(&self, when: When) {
        let (reply, answer) = oneshot::channel();
        let _ = self.ask.send(Control::Stop(when, reply)).await;
        let _ = answer.await;
    }

    /// Says that the environment may have changed. Only a nudge, by which the next worker is ready before the next node:
    /// what counts is `env_meta.json`, which is read again here and before every node.
    pub async fn env_changed(&self, generation: Generation) {
        tracing::debug!(%generation, "told of a new generation");
        let _ = self.ask.send(Control::EnvChanged).await;
    }

    /// Runs one node, after those asked for before it. What it prints goes to `output`, all of it before this returns; the
    /// reply is the worker's own object (compat, section 8), or one of the same shape with a `code` where there is no
    /// worker to answer. A node that runs longer than its `timeout_s` is interrupted, and killed when that does not help.
    /// Dropping this future cancels the node in the same way, or takes it from the queue.
    pub async fn run(&self, node: NodeRun, output: mpsc::Sender<NodeOutput>) -> Reply {
        let (reply, answer) = oneshot::channel();
        let node = Node {
            run: node,
            output,
            reply,
        };
        let _ = self.ask.send(Control::Run(node)).await;
        answer.await.unwrap_or_else(|_| {
            let why = WorkerError::ShuttingDown.to_string();
            Refusal::new("", &why, "shutting-down").into_json().into()
        })
    }

    /// Ends the node that runs, or with `file` the nodes of that file, also those that wait for their turn; gives how many.
    /// They answer with the code `interrupted`. What an interrupt does not end is killed after the grace time, and its
    /// worker with it.
    pub async fn interrupt(&self, file: Option<&str>) -> usize {
        let (reply, answer) = oneshot::channel();
        let ask = Control::Interrupt(file.map(str::to_owned), reply);
        let _ = self.ask.send(ask).await;
        answer.await.unwrap_or(0)
    }

    /// Ends everything, also a node that runs, and returns when the processes are gone.
    pub async fn shut_down(self) {
        let (reply, answer) = oneshot::channel();
        let _ = self.ask.send(Control::ShutDown(reply)).await;
        let _ = answer.await;
    }

    async fn wait_for(
        &self,
        ask: impl FnOnce(Waiter) -> Control,
    ) -> Result<Restarted, WorkerError> {
        let (reply, answer) = oneshot::channel();
        let _ = self.ask.send(ask(reply)).await;
        answer.await.unwrap_or(Err(WorkerError::ShuttingDown))
    }
}

/// A wait that a caller asked for: not negative, and not longer than callers may wait.
fn wait(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.min(LONGEST_WAIT_S)).unwrap_or_default()
}

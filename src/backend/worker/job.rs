//! The handle on a project's worker, and what can be asked through it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc, oneshot, watch};

use super::lane::{Lane, Order};
use super::log::{WorkerLog, log_path};
use super::pool::Pool;
use super::protocol::{Refusal, Request};
use super::reply::Reply;
use super::standby::{Plan, Spare};
use crate::api::v1::{
    LONGEST_WAIT_S, NodeOutput, NodeRun, RestartRequest, Restarted, When, WorkerStatus,
};
use crate::backend::events::Events;
use crate::host::Host;
use crate::project::{Project, ProjectId};
use crate::store::Generation;

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
    /// How long an unused project keeps its spare: an interpreter of some 8 MB, for a start of 2 ms instead of 40. An
    /// idle project is to cost one process, not two.
    pub spare_idle: Duration,
    /// How long after a failed start it is tried again, at first; each time twice as long.
    pub retry: Duration,
    /// How many more workers than one a project there may be in all, for the branches of flows.
    pub extra_workers: Arc<Semaphore>,
    /// How long such a worker stays for the next flow: as long as the spare, and no longer.
    pub extra_idle: Duration,
    /// Where starts and what becomes of them are told.
    pub events: Events,
}

impl JobSettings {
    /// The usual limits.
    pub fn new(script_folder: impl Into<PathBuf>, log_folder: impl Into<PathBuf>) -> Self {
        Self {
            script_folder: script_folder.into(),
            log_folder: log_folder.into(),
            start_limit: Duration::from_secs(30),
            grace: Duration::from_secs(2),
            spare_idle: Duration::from_secs(60),
            retry: Duration::from_secs(2),
            extra_workers: Arc::new(Semaphore::new(extra_workers())),
            extra_idle: Duration::from_secs(60),
            events: Events::default(),
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
    /// To hand over its spare, for another worker of the project.
    GiveSpare(oneshot::Sender<Option<Spare>>),
    /// To begin with this one.
    TakeSpare(Spare),
    /// Somebody let go of an object.
    Tidy,
    /// What the process shared by that descriptor was taken.
    Close {
        pid: u32,
        descriptor: u32,
    },
    Run(Node),
    Interrupt(Option<String>, oneshot::Sender<usize>),
    ShutDown(oneshot::Sender<()>),
}

/// Answered when a worker has taken over, or cannot.
pub(super) type Waiter = oneshot::Sender<Result<Restarted, WorkerError>>;

/// A node that was asked for, or a question about an object.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) request: Request,
    /// Its file.
    pub(super) file: String,
    /// Seconds that it may run.
    pub(super) limit: Option<f64>,
    /// Whether it is a node, which wants the environment as it is now, and no question about an object.
    pub(super) wants_now: bool,
    /// The process that it is for, which has its objects; any other is of no use.
    pub(super) on: Option<u32>,
    pub(super) output: mpsc::Sender<NodeOutput>,
    pub(super) reply: oneshot::Sender<Reply>,
}

/// The handle on one project's worker. When the last handle is gone, so is the worker.
#[derive(Debug, Clone)]
pub struct Job {
    /// The worker of everyday.
    lane: Lane,
    /// More workers, for flows with branches.
    pool: Arc<Pool>,
    log: PathBuf,
}

impl Job {
    /// Takes charge of `project`'s worker; starts no process yet. Its variables are made from `host`'s.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn start(project: Project, id: ProjectId, host: &Host, settings: JobSettings) -> Self {
        let log = log_path(&settings.log_folder, &id);
        let plan = Arc::new(Plan {
            host: host.clone(),
            log: WorkerLog::new(&settings.log_folder, &id),
            project,
            settings,
        });
        let lane = Lane::start(&id, &plan, None);
        let pool = Pool::new(id, plan, lane.clone());
        Self {
            lane,
            pool: Arc::new(pool),
            log,
        }
    }

    /// The worker's state, with the generation that is on disk now.
    pub async fn status(&self) -> WorkerStatus {
        let (reply, answer) = oneshot::channel();
        let _ = self.lane.ask.send(Control::Status(reply)).await;
        let status = match answer.await {
            Ok(status) => status,
            Err(_) => self.lane.status.borrow().clone(),
        };
        let (branch_workers, objects) = self.pool.summary();
        WorkerStatus {
            branch_workers,
            objects,
            ..status
        }
    }

    /// The worker's state as it changes.
    pub fn watch(&self) -> watch::Receiver<WorkerStatus> {
        self.lane.status.clone()
    }

    /// Where what happens to its project is told.
    pub fn events(&self) -> &Events {
        self.pool.events()
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
        let old_pid = self.lane.status.borrow().pid;
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
        let _ = self.lane.ask.send(Control::Stop(when, reply)).await;
        self.pool.stop(when).await;
        let _ = answer.await;
    }

    /// Says that the environment may have changed. Only a nudge, by which the next worker is ready before the next node:
    /// what counts is `env_meta.json`, which is read again here and before every node.
    pub async fn env_changed(&self, generation: Generation) {
        tracing::debug!(%generation, "told of a new generation");
        let _ = self.lane.ask.send(Control::EnvChanged).await;
        self.pool.env_changed().await;
    }

    /// Runs one node, after those asked for before it. What it prints goes to `output`, all of it before this returns; the
    /// reply is the worker's own object (compat, section 8), or one of the same shape with a `code` where there is no
    /// worker to answer. A node that runs longer than its `timeout_s` is interrupted, and killed when that does not help.
    /// Dropping this future cancels the node in the same way, or takes it from the queue.
    pub async fn run(&self, node: NodeRun, output: mpsc::Sender<NodeOutput>) -> Reply {
        let request = Request::exec_node(self.pool.project(), &node);
        let order = Order {
            request,
            file: node.file,
            limit: node.timeout_s,
            wants_now: true,
            on: None,
        };
        let reply = self.lane.run(order, output).await;
        reply.unwrap_or_else(shutting_down)
    }

    /// Ends the node that runs, or with `file` the nodes of that file, also those that wait for their turn; gives how many.
    /// They answer with the code `interrupted`. What an interrupt does not end is killed after the grace time, and its
    /// worker with it.
    pub async fn interrupt(&self, file: Option<&str>) -> usize {
        let (reply, answer) = oneshot::channel();
        let ask = Control::Interrupt(file.map(str::to_owned), reply);
        let _ = self.lane.ask.send(ask).await;
        answer.await.unwrap_or(0) + self.pool.interrupt(file).await
    }

    /// Ends everything, also a node that runs, and returns when the processes are gone.
    pub async fn shut_down(self) {
        let (reply, answer) = oneshot::channel();
        let _ = self.lane.ask.send(Control::ShutDown(reply)).await;
        self.pool.stop(When::Now).await;
        let _ = answer.await;
    }

    /// Whether it is over: nothing is asked of the worker of everyday any more.
    pub(super) fn has_ended(&self) -> bool {
        self.lane.has_ended()
    }

    /// The project's workers, for flows.
    pub(super) fn pool(&self) -> &Pool {
        &self.pool
    }

    async fn wait_for(
        &self,
        ask: impl FnOnce(Waiter) -> Control,
    ) -> Result<Restarted, WorkerError> {
        let (reply, answer) = oneshot::channel();
        let _ = self.lane.ask.send(ask(reply)).await;
        answer.await.unwrap_or(Err(WorkerError::ShuttingDown))
    }
}

/// The reply of a daemon that is on its way out.
pub(super) fn shutting_down() -> Reply {
    let why = WorkerError::ShuttingDown.to_string();
    Refusal::new("", &why, "shutting-down").into_json().into()
}

/// Enough for some flows that wait for the network at once, few enough for the machine's memory.
fn extra_workers() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    (2 * cores).clamp(4, 32)
}

/// A wait that a caller asked for: not negative, and not longer than callers may wait.
fn wait(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.min(LONGEST_WAIT_S)).unwrap_or_default()
}

//! The handle on a project's worker, and what can be asked through it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};

use super::kept::Kept;
use super::pool::{Pool, Summary};
use super::task_handle::TaskHandle;
use super::waits::Waits;
use crate::api::v1::{
    LONGEST_WAIT_S, NodeOutput, NodeRun, RestartRequest, Restarted, When, WorkerState, WorkerStatus,
};
use crate::backend::events::Events;
use crate::backend::flow::unique_ms;
use crate::backend::worker::process::{WorkerLog, log_path};
use crate::backend::worker::protocol::{KeepAs, Request, Show, WorkerReply};
use crate::backend::worker::start::{JobSettings, Plan};
use crate::backend::worker::task::{Control, Order, Turn, Waiter, WorkerError, shutting_down};
use crate::host::Host;
use crate::project::{Project, ProjectId};
use crate::store::Generation;

/// The handle on one project's worker. When the last handle is gone, so is the worker.
#[derive(Debug, Clone)]
pub struct Job {
    /// The project's first worker.
    first: TaskHandle,
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
            unrecorded: Arc::default(),
        });
        let first = TaskHandle::start(&id, &plan, None);
        let pool = Pool::new(id, plan, first.clone());
        Self {
            first,
            pool: Arc::new(pool),
            log,
        }
    }

    /// The worker's state, with the generation that is on disk now.
    pub async fn status(&self) -> WorkerStatus {
        let (reply, answer) = oneshot::channel();
        let _ = self.first.ask.send(Control::Status(reply)).await;
        let status = match answer.await {
            Ok(status) => status,
            Err(_) => self.first.status.borrow().clone(),
        };
        let (branch_workers, objects) = self.pool.kept();
        WorkerStatus {
            branch_workers,
            objects,
            log_lines_lost: self.pool.log_lines_lost(),
            ..status
        }
    }

    /// What there is of its workers just now, without asking them.
    pub(in crate::backend) fn summary(&self) -> Summary {
        self.pool.summary()
    }

    /// The worker's state as it changes.
    pub fn watch(&self) -> watch::Receiver<WorkerStatus> {
        self.first.status.clone()
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

    /// Puts a new worker in the place of the one there is. When it is not there within `wait_s`, it still comes, and
    /// the reply says `restarted: false`.
    ///
    /// # Errors
    /// As [`Self::start_worker`].
    pub async fn restart(&self, request: RestartRequest) -> Result<Restarted, WorkerError> {
        let wait = request.wait_s.map(wait);
        let old_pid = self.first.status.borrow().pid;
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
        let _ = self.first.ask.send(Control::Stop(when, reply)).await;
        self.pool.stop(when).await;
        let _ = answer.await;
    }

    /// Says that the environment may have changed. Only a nudge, by which the next worker is ready before the next
    /// node: what counts is `env_meta.json`, which is read again here and before every node.
    pub async fn env_changed(&self, generation: Generation) {
        tracing::debug!(%generation, "told of a new generation");
        let _ = self.first.ask.send(Control::EnvChanged).await;
        self.pool.env_changed().await;
    }

    /// Says that the environment changed and that the change cannot be recorded, as `why` says: no worker from before
    /// runs the next node.
    pub async fn changed_unrecorded(&self, why: &str) {
        self.pool.unrecorded().add(why);
        let _ = self.first.ask.send(Control::EnvChanged).await;
        self.pool.env_changed().await;
    }

    /// Runs one node, after those asked for before it. What it prints goes to `output`, all of it before this returns;
    /// the reply is the worker's own object (compat, section 8), or one of the same shape with a `code` where there is
    /// no worker to answer. A node that runs longer than its `timeout_s` is interrupted, and killed when that does not
    /// help. Dropping this future cancels the node in the same way, or takes it from the queue.
    pub fn run(
        &self,
        node: NodeRun,
        output: mpsc::Sender<NodeOutput>,
    ) -> impl Future<Output = WorkerReply> {
        self.run_in_turn(node, output, Turn::default())
    }

    /// What a node waits for that is given this turn.
    pub(in crate::backend) fn waits(&self, turn: &Turn) -> Waits {
        Waits::new(self.watch(), turn.clone())
    }

    /// As [`Self::run`]; `turn` says when it is the node's turn. An object that JSON has no form for is kept, by the
    /// name of the node's file, until the node has run again.
    pub(in crate::backend) async fn run_in_turn(
        &self,
        node: NodeRun,
        output: mpsc::Sender<NodeOutput>,
        turn: Turn,
    ) -> WorkerReply {
        let keep = format!("{}_{}", node.file, unique_ms());
        let name: Arc<str> = node.file.as_str().into();
        let show = node.shows.map(|shows| {
            Box::new(Show {
                figure: self.pool.figure(&node.file),
                lines: shows.lines,
            })
        });
        let order = Order {
            request: Request::ExecNode {
                file: Some(node.file.clone()),
                project_root: self.pool.project_root(),
                edges: None,
                input: Some(node.input.into()),
                keep: Some(KeepAs {
                    r#ref: keep.clone(),
                    unless_json: true,
                }),
                show,
                anyway: false,
            },
            file: node.file,
            limit: node.timeout_s,
            wants_now: true,
            turn,
            on: None,
        };
        let Some(reply) = self.first.run(order, output).await else {
            return shutting_down();
        };
        let kept = reply.kept().map(|(pid, store)| {
            self.first.objects.said(pid, store);
            Kept::new(keep, pid, self.first.clone())
        });
        self.pool.keep(&name, kept.as_ref());
        reply
    }

    /// Ends the node that runs, or with `file` the nodes of that file, also those that wait for their turn; gives how
    /// many. They answer with the code `interrupted`. What an interrupt does not end is killed after the grace time,
    /// and its worker with it.
    pub async fn interrupt(&self, file: Option<&str>) -> usize {
        let (reply, answer) = oneshot::channel();
        let ask = Control::Interrupt(file.map(str::to_owned), reply);
        let _ = self.first.ask.send(ask).await;
        answer.await.unwrap_or(0) + self.pool.interrupt(file).await
    }

    /// Ends everything, also a node that runs, and returns when the processes are gone.
    pub async fn shut_down(self) {
        let (reply, answer) = oneshot::channel();
        let _ = self.first.ask.send(Control::ShutDown(reply)).await;
        self.pool.stop(When::Now).await;
        let _ = answer.await;
    }

    /// Makes its task panic, as a fault of ours would.
    #[cfg(test)]
    pub(crate) async fn panic(&self) {
        self.first.ask.send(Control::Panic).await.expect("a task");
    }

    /// Whether its first worker has a process, and nothing to do.
    pub(crate) fn is_idle(&self) -> bool {
        self.first.status.borrow().state == WorkerState::Idle
    }

    /// Whether it is over: nothing is asked of the first worker any more.
    pub(crate) fn has_ended(&self) -> bool {
        self.first.has_ended()
    }

    /// The project's workers, for flows.
    pub(crate) fn pool(&self) -> &Pool {
        &self.pool
    }

    async fn wait_for(
        &self,
        ask: impl FnOnce(Waiter) -> Control,
    ) -> Result<Restarted, WorkerError> {
        let (reply, answer) = oneshot::channel();
        let _ = self.first.ask.send(ask(reply)).await;
        answer.await.unwrap_or_else(|_| {
            Err(if self.has_ended() {
                WorkerError::ShuttingDown
            } else {
                WorkerError::DaemonFailed
            })
        })
    }
}

/// A wait that a caller asked for: not negative, and not longer than callers may wait.
fn wait(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.min(LONGEST_WAIT_S)).unwrap_or_default()
}

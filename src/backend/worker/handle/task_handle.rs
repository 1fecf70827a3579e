//! The handle on one worker's task.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot, watch};

use crate::api::v1::{NodeOutput, WorkerStatus};
use crate::backend::supervise::{self, Pauses};
use crate::backend::worker::protocol::{Request, WorkerReply, object_gone};
use crate::backend::worker::start::Plan;
use crate::backend::worker::task::{
    Control, Node, Objects, Order, Task, Turn, failed_within, shutting_down,
};
use crate::project::ProjectId;

/// Requests that may wait for the task; more make their askers wait.
const QUEUE: usize = 64;

/// Cheap to clone; when the last clone is gone, so is the worker.
#[derive(Debug, Clone)]
pub(crate) struct TaskHandle {
    pub(crate) ask: mpsc::Sender<Control>,
    pub(crate) status: watch::Receiver<WorkerStatus>,
    pub(crate) objects: Arc<Objects>,
    /// Nodes that run or wait for their turn.
    pub(crate) nodes: Arc<AtomicUsize>,
}

/// A node, from when it is asked for until it is answered or given up.
struct Counted<'h>(&'h AtomicUsize);

impl<'h> Counted<'h> {
    fn begin(nodes: &'h AtomicUsize) -> Self {
        nodes.fetch_add(1, Ordering::Relaxed);
        Self(nodes)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl TaskHandle {
    /// Starts the task, and no process yet. With a `permit` it is one of those that end when they are unused.
    pub(crate) fn start(
        id: &ProjectId,
        plan: &Arc<Plan>,
        permit: Option<OwnedSemaphorePermit>,
    ) -> Self {
        let (ask, asked) = mpsc::channel(QUEUE);
        let (sender, status) = watch::channel(WorkerStatus::unused(id.clone()));
        let objects = Arc::new(Objects::default());
        let mut task = Task::new(
            id.clone(),
            Arc::clone(plan),
            permit.as_ref().map(|_| plan.settings.branch_idle),
            Arc::clone(&objects),
            asked,
            sender,
        );
        supervise::spawn("worker", async move {
            let mut pauses = Pauses::default();
            while let Err(panicked) = supervise::caught("worker", task.run()).await {
                task = task.anew(&panicked.to_string(), pauses.is_again());
                pauses.next().await;
            }
            drop(permit);
        });
        Self {
            ask,
            status,
            objects,
            nodes: Arc::default(),
        }
    }

    /// Hands over `order`, and waits for the reply; none from a worker that had ended before.
    pub(crate) async fn run(
        &self,
        order: Order,
        output: mpsc::Sender<NodeOutput>,
    ) -> Option<WorkerReply> {
        let _counted = order.wants_now.then(|| Counted::begin(&self.nodes));
        let (reply, answer) = oneshot::channel();
        let node = Node {
            order,
            declined: 0,
            output,
            reply,
        };
        self.ask.send(Control::Run(node)).await.ok()?;
        Some(answer.await.unwrap_or_else(|_| self.gone()))
    }

    /// Asks the process `on` something that is no node.
    pub(crate) async fn ask_about(&self, request: Request, on: u32) -> WorkerReply {
        let (output, _) = mpsc::channel(1);
        let order = Order {
            request,
            file: String::new(),
            limit: None,
            wants_now: false,
            turn: Turn::default(),
            on: Some(on),
        };
        let reply = self.run(order, output).await;
        reply.unwrap_or_else(|| object_gone(on))
    }

    /// The reply to somebody who was dropped without one.
    fn gone(&self) -> WorkerReply {
        if self.has_ended() {
            shutting_down()
        } else {
            failed_within("", None)
        }
    }

    /// Whether its task has ended.
    pub(crate) fn has_ended(&self) -> bool {
        self.ask.is_closed()
    }
}

//! The handle on one worker process and the task behind it.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot, watch};

use crate::api::v1::{NodeOutput, WorkerStatus};
use crate::backend::worker::protocol::reply::Reply;
use crate::backend::worker::protocol::request::{Request, object_gone};
use crate::backend::worker::start::Plan;
use crate::backend::worker::task::Task;
use crate::backend::worker::task::ask::{Control, Node, Order, shutting_down};
use crate::backend::worker::task::objects::Objects;
use crate::project::ProjectId;

/// Requests that may wait for the task; more make their askers wait.
const QUEUE: usize = 64;

/// Cheap to clone; when the last clone is gone, so is the worker.
#[derive(Debug, Clone)]
pub(crate) struct Lane {
    pub(crate) ask: mpsc::Sender<Control>,
    pub(crate) status: watch::Receiver<WorkerStatus>,
    pub(crate) objects: Arc<Objects>,
}

impl Lane {
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
            Arc::clone(&objects),
            asked,
            sender,
        );
        if permit.is_some() {
            task = task.ending_when_unused(plan.settings.extra_idle);
        }
        tokio::spawn(async move {
            task.run().await;
            drop(permit);
        });
        Self {
            ask,
            status,
            objects,
        }
    }

    /// Hands over `order`, and waits for the reply; none from a worker that had ended before.
    pub(crate) async fn run(
        &self,
        order: Order,
        output: mpsc::Sender<NodeOutput>,
    ) -> Option<Reply> {
        let (reply, answer) = oneshot::channel();
        let Order {
            request,
            file,
            limit,
            wants_now,
            on,
        } = order;
        let node = Node {
            request,
            file,
            limit,
            wants_now,
            on,
            output,
            reply,
        };
        self.ask.send(Control::Run(node)).await.ok()?;
        Some(answer.await.unwrap_or_else(|_| shutting_down()))
    }

    /// Asks the process `on` something that is no node.
    pub(crate) async fn ask_about(&self, request: Request, on: u32) -> Reply {
        let (output, _) = mpsc::channel(1);
        let order = Order {
            request,
            file: String::new(),
            limit: None,
            wants_now: false,
            on: Some(on),
        };
        let reply = self.run(order, output).await;
        reply.unwrap_or_else(|| object_gone(on).into())
    }

    /// Whether its task has ended.
    pub(crate) fn has_ended(&self) -> bool {
        self.ask.is_closed()
    }
}

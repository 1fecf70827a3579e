//! The node that runs: who waits for it, how long it may take, and what its answer becomes when it was cut short.

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Duration, Instant};

use super::cut_short::{CutShort, Why};
use super::delivery::Delivery;
use super::messages::{Node, Order};
use crate::api::v1::{NodeCode, NodeOutput};
use crate::backend::supervise;
use crate::backend::worker::protocol::{DaemonReply, Failure, WorkerReply};

/// The node that runs.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) id: String,
    pub(super) file: String,
    pub(super) reply: oneshot::Sender<WorkerReply>,
    pub(super) delivery: Delivery,
    order: Box<Order>,
    declined: u32,
    output: mpsc::Sender<NodeOutput>,
    began: Instant,
    /// Seconds that it may take.
    limit: Option<f64>,
    pub(super) cut_short: Option<CutShort>,
}

impl Running {
    /// `node`, handed to the worker just now as the request `id`.
    pub(super) fn new(id: String, node: Node) -> Self {
        Self {
            id,
            file: node.order.file.clone(),
            reply: node.reply,
            delivery: Delivery::new(node.output.clone()),
            output: node.output,
            began: Instant::now(),
            limit: node.order.limit,
            order: Box::new(node.order),
            declined: node.declined,
            cut_short: None,
        }
    }

    /// Whether somebody still waits for it, and it is not to end.
    pub(super) fn is_wanted(&self) -> bool {
        self.cut_short.is_none() && !self.reply.is_closed()
    }

    /// The node again, for another worker.
    pub(super) fn into_node(self) -> Node {
        self.order.turn.set(false);
        Node {
            order: *self.order,
            declined: self.declined,
            output: self.output,
            reply: self.reply,
        }
    }

    /// When something is next to be done about its limits.
    pub(super) fn next_limit(&self) -> Option<Instant> {
        match &self.cut_short {
            Some(cut) if cut.is_killed => None,
            Some(cut) => cut.again_at.into_iter().chain([cut.kill_at]).min(),
            None => self.deadline(),
        }
    }

    /// When its time is over.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let limit = Duration::try_from_secs_f64(self.limit?).ok()?;
        self.began.checked_add(limit)
    }

    /// Whether its worker was killed because of it.
    pub(super) fn is_killed(&self) -> bool {
        self.cut_short.as_ref().is_some_and(|cut| cut.is_killed)
    }

    /// Answers it, after the last of its output.
    pub(super) fn answer(mut self, reply: WorkerReply) {
        self.delivery.finish();
        let reply = self.said(reply);
        if self.delivery.is_done() {
            let _ = self.reply.send(reply);
        } else {
            // A slow reader holds up its own answer, not the next node.
            supervise::spawn("a node's answer", async move {
                self.delivery.complete().await;
                let _ = self.reply.send(reply);
            });
        }
    }

    /// `reply` as it is answered: of a node that was cut short and failed, why, with the traceback of where it was. One
    /// that got done all the same has its result.
    fn said(&self, reply: WorkerReply) -> WorkerReply {
        let Some(cut) = &self.cut_short else {
            return reply;
        };
        let failure: Failure = reply.envelope().read().unwrap_or_default();
        if failure.ok {
            return reply;
        }
        let limit = self.limit.unwrap_or_default();
        let (error, code) = match cut.why {
            Why::TimedOut => (
                format!("Node timed out after {limit} s"),
                NodeCode::TimedOut,
            ),
            Why::Interrupted => ("Node was interrupted".to_owned(), NodeCode::Interrupted),
            Why::Abandoned => ("Node was cancelled".to_owned(), NodeCode::Cancelled),
        };
        let reply = DaemonReply {
            traceback: Some(failure.traceback.as_str()).filter(|text| !text.is_empty()),
            detail: cut
                .is_killed
                .then_some("it did not end when it was interrupted, so its worker was killed"),
            generation: failure.generation,
            ..DaemonReply::new(&self.id, &error, code)
        };
        reply.into()
    }
}

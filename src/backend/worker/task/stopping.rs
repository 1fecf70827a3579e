//! Ends that were asked for, and what everybody who waits is told then.

use std::time::Duration;

use super::current::Current;
use super::life::Life;
use super::messages::WorkerError;
use super::{Next, Task};
use crate::api::v1::NodeCode;
use crate::backend::supervise;
use crate::backend::worker::process::Process;
use crate::backend::worker::protocol::DaemonReply;
use crate::backend::worker::start::Background;

/// Time for the first node of a worker that has just taken over.
const HANDOVER: Duration = Duration::from_millis(10);

impl Task {
    /// Ends the worker, also under its running node, which is told so.
    pub(super) fn cut_off(&mut self, why: &str, code: NodeCode) {
        if !self.is_busy() {
            return self.end_worker();
        }
        if let Some(running) = self.running() {
            let id = running.id.clone();
            let reply = DaemonReply {
                detail: Some(why),
                generation: self
                    .current
                    .as_ref()
                    .map(|current| current.worker.view.generation),
                ..DaemonReply::new(&id, "worker-exit", code)
            };
            self.answer(reply.into());
        }
        // Of a node that runs nothing is waited for, nor of what it left.
        if let Some(current) = self.take_worker() {
            self.end(current.worker.process);
        }
    }

    /// Ends every process, and answers everybody who waits for one.
    pub(super) fn end_everything(&mut self, why: &WorkerError) {
        if self.life == Life::Stopping {
            self.life = Life::Open;
        }
        self.failed = None;
        self.is_refresh_due = false;
        self.cut_off(&why.to_string(), why.code());
        match std::mem::replace(&mut self.next, Next::None) {
            Next::Ready(worker) => self.end(worker.process),
            Next::Starting(starting) => self.cancel(starting),
            Next::None => {}
        }
        self.drop_spare();
        self.refuse_all(why);
    }

    /// Answers everybody who waits for a worker that will not come.
    pub(super) fn refuse_all(&mut self, error: &WorkerError) {
        let words = error.to_string();
        for node in std::mem::take(&mut self.queue) {
            self.nodes += 1;
            let reply = DaemonReply::new(&self.nodes.to_string(), &words, error.code()).into();
            let _ = node.reply.send(reply);
        }
        for (_, waiter) in std::mem::take(&mut self.waiters) {
            let _ = waiter.send(Err(error.clone()));
        }
    }

    /// Ends the worker, which is idle, in peace.
    pub(super) fn end_worker(&mut self) {
        if let Some(current) = self.take_worker() {
            let (grace, log) = (self.plan.settings.grace, self.log.clone());
            let end = current.worker.process.end_in_peace(grace, log);
            supervise::spawn_on(&mut self.ending, "the end of a worker", end);
        }
    }

    fn take_worker(&mut self) -> Option<Current> {
        let current = self.current.take()?;
        let pid = current.pid();
        self.log.note(format_args!("worker {pid} stopped"));
        tracing::info!(project = %self.id, pid, "worker stopped");
        self.publish();
        Some(current)
    }

    pub(super) fn end(&mut self, process: Process) {
        let log = self.log.clone();
        let end = process.end(self.plan.settings.grace, log);
        supervise::spawn_on(&mut self.ending, "the end of a worker", end);
    }

    /// Ends a process that another has taken over from, a moment later: what somebody waits for comes first.
    pub(super) fn end_after_handover(&mut self, process: Process) {
        let (grace, log) = (self.plan.settings.grace, self.log.clone());
        supervise::spawn_on(&mut self.ending, "the end of a worker", async move {
            tokio::time::sleep(HANDOVER).await;
            process.end_in_peace(grace, log).await;
        });
    }

    /// Breaks off a start; its process is killed.
    pub(super) fn cancel<T: Send + 'static>(&mut self, start: Background<T>) {
        supervise::spawn_on(&mut self.ending, "the end of a start", start.cancel());
    }
}

//! Nodes that are to end before they are done: out of time, interrupted, or wanted by nobody any more.
//!
//! First an interrupt, which Python code can clean up after; a process that has not answered after the grace time is
//! killed, since a C call that never returns hears nothing else.
//!
//! **Invariant:** a node that was cut short is answered once, and is not run again.

use tokio::time::Instant;

use super::Task;
use super::current::{Current, Doing};
use super::cut_short::{CutShort, Due, Why};
use crate::api::v1::NodeCode;
use crate::backend::worker::protocol::DaemonReply;

impl Task {
    /// Interrupts the running node, unless that was done.
    pub(super) fn cut_short(&mut self, why: Why) {
        let Some(Current { worker, doing, .. }) = &mut self.current else {
            return;
        };
        if let Doing::Node(running) = doing
            && running.cut_short.is_none()
        {
            let grace = self.plan.settings.grace;
            running.cut_short = Some(CutShort::new(why, Instant::now(), grace));
            worker.process.interrupt();
        }
    }

    /// Takes in that the worker took an interrupt.
    pub(super) fn interrupt_taken(&mut self) {
        let running = self.current.as_mut().and_then(Current::running_mut);
        if let Some(cut) = running.and_then(|running| running.cut_short.as_mut()) {
            cut.taken(Instant::now());
        }
    }

    /// Ends the running node, or all of `file`, also those in the queue; gives how many.
    pub(super) fn interrupt(&mut self, file: Option<&str>) -> usize {
        let mut count = 0;
        if let Some(file) = file {
            let queue = std::mem::take(&mut self.queue);
            let (ended, rest) = queue
                .into_iter()
                .partition::<Vec<_>, _>(|node| node.order.file == file);
            self.queue = rest.into();
            count += ended.len();
            for node in ended {
                let reply = DaemonReply::new("", "Node was interrupted", NodeCode::Interrupted);
                let _ = node.reply.send(reply.into());
            }
        }
        let running = self.running();
        if running.is_some_and(|running| file.is_none_or(|file| file == running.file)) {
            self.cut_short(Why::Interrupted);
            count += 1;
        }
        count
    }

    /// Does what is due about the running node.
    pub(super) fn keep_limits(&mut self, now: Instant) {
        let Some(Current { worker, doing, .. }) = &mut self.current else {
            return;
        };
        let Doing::Node(running) = doing else {
            return;
        };
        if running.delivery.deadline().is_some_and(|at| at <= now) {
            running.delivery.give_up();
        }
        let is_over = running.deadline().is_some_and(|at| at <= now);
        match &mut running.cut_short {
            None if is_over => self.cut_short(Why::TimedOut),
            None => {}
            Some(cut) => match cut.due(now) {
                Due::Nothing => {}
                Due::Interrupt => worker.process.interrupt(),
                Due::Kill => worker.process.kill(),
            },
        }
    }
}

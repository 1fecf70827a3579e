//! Nodes that are to end before they are done: out of time, interrupted, or wanted by nobody any more.
//!
//! First an interrupt, which Python code can clean up after; a process that has not answered after the grace time is
//! killed, since a C call that never returns hears nothing else.
//!
//! **Invariant:** a node that was cut short is answered once, and is not run again.

use tokio::time::{Duration, Instant};

use super::cut_short::{CutShort, Due, Why};
use super::{Running, Task};
use crate::backend::worker::protocol::reply::Reply;
use crate::backend::worker::protocol::request::{Failure, Refusal};

impl Running {
    /// When something is next to be done about its limits.
    pub(super) fn next_limit(&self) -> Option<Instant> {
        match &self.cut_short {
            Some(cut) if cut.is_killed => None,
            Some(cut) => cut.again_at.into_iter().chain([cut.kill_at]).min(),
            None => self.deadline(),
        }
    }

    fn deadline(&self) -> Option<Instant> {
        let limit = Duration::try_from_secs_f64(self.limit?).ok()?;
        self.began.checked_add(limit)
    }

    /// Whether its worker was killed because of it.
    pub(super) fn is_killed(&self) -> bool {
        self.cut_short.as_ref().is_some_and(|cut| cut.is_killed)
    }

    /// `reply` as it is answered: of a node that was cut short and failed, why, with the traceback of where it was. One
    /// that got done all the same has its result.
    pub(super) fn said(&self, reply: Reply) -> Reply {
        let Some(cut) = &self.cut_short else {
            return reply;
        };
        let failure: Failure = reply.envelope().read().unwrap_or_default();
        if failure.ok {
            return reply;
        }
        let limit = self.limit.unwrap_or_default();
        let (error, code) = match cut.why {
            Why::TimedOut => (format!("Node timed out after {limit} s"), "timeout"),
            Why::Interrupted => ("Node was interrupted".to_owned(), "interrupted"),
            Why::Abandoned => ("Node was cancelled".to_owned(), "cancelled"),
        };
        let refusal = Refusal {
            traceback: Some(failure.traceback.as_str()).filter(|text| !text.is_empty()),
            detail: cut
                .is_killed
                .then_some("it did not end when it was interrupted, so its worker was killed"),
            generation: failure.generation,
            ..Refusal::new(&self.id, &error, code)
        };
        refusal.into_json().into()
    }
}

impl Task {
    /// Interrupts the running node, unless that was done.
    pub(super) fn cut_short(&mut self, why: Why) {
        let (Some(running), Some(worker)) = (&mut self.running, &self.worker) else {
            return;
        };
        if running.cut_short.is_none() {
            let grace = self.plan.settings.grace;
            running.cut_short = Some(CutShort::new(why, Instant::now(), grace));
            worker.process.interrupt();
        }
    }

    /// Takes in that the worker took an interrupt.
    pub(super) fn interrupt_taken(&mut self) {
        let running = self.running.as_mut();
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
                .partition::<Vec<_>, _>(|node| node.file == file);
            self.queue = rest.into();
            count += ended.len();
            for node in ended {
                let refusal = Refusal::new("", "Node was interrupted", "interrupted");
                let _ = node.reply.send(refusal.into_json().into());
            }
        }
        let running = self.running.as_ref();
        if running.is_some_and(|running| file.is_none_or(|file| file == running.file)) {
            self.cut_short(Why::Interrupted);
            count += 1;
        }
        count
    }

    /// Does what is due about the running node.
    pub(super) fn keep_limits(&mut self, now: Instant) {
        let (Some(running), Some(worker)) = (&mut self.running, &mut self.worker) else {
            return;
        };
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

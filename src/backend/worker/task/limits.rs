//! Nodes that are to end before they are done: out of time, interrupted, or wanted by nobody any more.
//!
//! First an interrupt, which Python code can clean up after; a process that has not answered after the grace time is
//! killed, since a C call that never returns hears nothing else.
//!
//! **Invariant:** a node that was cut short is answered once, and is not run again.

use tokio::time::{Duration, Instant};

use super::super::protocol::{Failure, Refusal};
use super::super::reply::Reply;
use super::{Running, Task};

/// A worker may take this long to pick a node up; until then it takes an interrupt for one that came too late.
const PICK_UP: Duration = Duration::from_millis(50);

/// What was done about a node that is to end.
#[derive(Debug)]
pub(super) struct CutShort {
    why: Why,
    /// When to interrupt once more.
    again_at: Option<Instant>,
    /// When it is killed.
    kill_at: Instant,
    is_killed: bool,
}

#[derive(Debug, Clone, Copy)]
enum Why {
    TimedOut,
    Interrupted,
    Abandoned,
}

impl CutShort {
    pub(super) fn timed_out(began: Instant, grace: Duration) -> Self {
        Self::new(Why::TimedOut, began, grace)
    }

    pub(super) fn interrupted(began: Instant, grace: Duration) -> Self {
        Self::new(Why::Interrupted, began, grace)
    }

    pub(super) fn abandoned(began: Instant, grace: Duration) -> Self {
        Self::new(Why::Abandoned, began, grace)
    }

    /// The second interrupt comes soon for a node that may not have been picked up yet, else when half of the grace time
    /// has gone: cleaning up is not to be interrupted without need.
    fn new(why: Why, began: Instant, grace: Duration) -> Self {
        let now = Instant::now();
        let pause = if now < began + PICK_UP {
            PICK_UP
        } else {
            grace / 2
        };
        Self {
            why,
            again_at: Some(now + pause),
            kill_at: now + grace,
            is_killed: false,
        }
    }
}

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
    pub(super) fn cut_short(&mut self, why: impl FnOnce(Instant, Duration) -> CutShort) {
        let (Some(running), Some(worker)) = (&mut self.running, &self.worker) else {
            return;
        };
        if running.cut_short.is_none() {
            running.cut_short = Some(why(running.began, self.plan.settings.grace));
            worker.process.interrupt();
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
            self.cut_short(CutShort::interrupted);
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
            None if is_over => self.cut_short(CutShort::timed_out),
            Some(cut) if cut.kill_at <= now && !cut.is_killed => {
                cut.is_killed = true;
                worker.process.kill();
            }
            Some(cut) if cut.again_at.is_some_and(|at| at <= now) => {
                cut.again_at = None;
                worker.process.interrupt();
            }
            _ => {}
        }
    }
}

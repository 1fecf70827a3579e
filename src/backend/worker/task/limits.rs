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

/// How long after the first interrupt the second comes, if the worker has not said that it took the first.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// What was done about a node that is to end.
///
/// An interrupt that reaches the worker before it has picked the node up is none: the worker cannot tell it from one that
/// came too late for the node before. Nor is one that reaches it on its way into a call that waits. So interrupts go on, after
/// longer and longer pauses, until the worker says that it took one. From then on the node is given the grace time to clean
/// up, which is not to be disturbed without need: there is one more interrupt, when half of that time has gone.
#[derive(Debug)]
pub(super) struct CutShort {
    why: Why,
    grace: Duration,
    pause: Duration,
    /// When to interrupt once more.
    again_at: Option<Instant>,
    /// When it is killed.
    kill_at: Instant,
    is_taken: bool,
    is_killed: bool,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Why {
    TimedOut,
    Interrupted,
    Abandoned,
}

/// What is due.
#[derive(Debug, PartialEq, Eq)]
enum Due {
    Nothing,
    Interrupt,
    Kill,
}

impl CutShort {
    /// Of a node that is interrupted `now`.
    fn new(why: Why, now: Instant, grace: Duration) -> Self {
        Self {
            why,
            grace,
            pause: FIRST_PAUSE,
            again_at: Some(now + FIRST_PAUSE),
            kill_at: now + grace,
            is_taken: false,
            is_killed: false,
        }
    }

    /// The worker has raised the interrupt in the node.
    fn taken(&mut self, now: Instant) {
        if !self.is_taken && !self.is_killed {
            self.is_taken = true;
            self.again_at = Some(now + self.grace / 2);
            self.kill_at = now + self.grace;
        }
    }

    /// What is due; counts as done from then on.
    fn due(&mut self, now: Instant) -> Due {
        if self.is_killed {
            return Due::Nothing;
        }
        if self.kill_at <= now {
            self.is_killed = true;
            return Due::Kill;
        }
        if self.again_at.is_none_or(|at| at > now) {
            return Due::Nothing;
        }
        self.pause *= 2;
        self.again_at = (!self.is_taken).then(|| now + self.pause);
        Due::Interrupt
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

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: Duration = Duration::from_secs(2);

    /// What is done at these milliseconds, if anything: interrupts (`i`) and the end (`k`).
    fn check(taken_at: Option<u64>, expected: &[(u64, char)]) {
        let start = Instant::now();
        let mut cut = CutShort::new(Why::Abandoned, start, GRACE);
        let mut done = Vec::new();
        for ms in 0..10_000 {
            let now = start + Duration::from_millis(ms);
            if taken_at == Some(ms) {
                cut.taken(now);
            }
            match cut.due(now) {
                Due::Nothing => {}
                Due::Interrupt => done.push((ms, 'i')),
                Due::Kill => done.push((ms, 'k')),
            }
        }
        assert_eq!(done, expected, "taken at {taken_at:?}");
    }

    #[test]
    fn interrupts_go_on_until_one_is_taken() {
        let until_killed = [(50, 'i'), (150, 'i'), (350, 'i'), (750, 'i'), (1550, 'i')];
        check(None, &[&until_killed[..], &[(2000, 'k')]].concat());
        // A busy machine, on which the node is picked up late: it has all of its grace time all the same.
        let late = [&until_killed[..], &[(2551, 'i'), (3551, 'k')]].concat();
        check(Some(1551), &late);
        check(Some(1), &[(1001, 'i'), (2001, 'k')]);
        check(Some(2001), &[&until_killed[..], &[(2000, 'k')]].concat());
    }
}

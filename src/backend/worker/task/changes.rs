//! From one generation to the next: when a worker is started, what becomes of the start, and the spare for the one after.

use std::sync::Arc;

use tokio::time::Instant;

use super::super::background::Background;
use super::super::job::WorkerError;
use super::super::standby::{Spare, StartFailure, Worker};
use super::{Next, SPARE_DELAY, SpareState, Task};

impl Task {
    /// Starts the next worker if the environment has moved on since this one was started. A worker that nobody has used,
    /// or that somebody has stopped, stays away.
    pub(super) fn refresh(&mut self) {
        let wanted = self.freshness.generation();
        let has = match (&self.next, &self.worker) {
            (Next::Starting(_), _) => return, // It is asked again when that is there.
            (Next::Ready(next), _) => Some(next.generation),
            (Next::None, Some(worker)) => Some(worker.generation),
            (Next::None, None) => self.failed_at,
        };
        if has.is_some_and(|has| has != wanted) && self.failed_at != Some(wanted) {
            self.start("the environment changed");
        }
    }

    pub(super) fn start_unless_starting(&mut self, why: &str) {
        if !matches!(self.next, Next::Starting(_)) {
            self.start(why);
        }
    }

    pub(super) fn start(&mut self, why: &str) {
        tracing::info!(project = %self.id, why, generation = %self.freshness.known(), "starting a worker");
        let spare = match std::mem::replace(&mut self.spare, SpareState::None) {
            SpareState::Ready(standby) => Some(Spare::Ready(standby)),
            SpareState::Preparing(preparing) => Some(Spare::Preparing(preparing)),
            SpareState::None | SpareState::Due(_) | SpareState::Failed => None,
        };
        let worker = Arc::clone(&self.plan).worker(spare, self.freshness.clone());
        if let Next::Ready(worker) =
            std::mem::replace(&mut self.next, Next::Starting(Background::spawn(worker)))
        {
            self.end(worker.process);
        }
        self.publish();
    }

    pub(super) fn started(&mut self, mut worker: Worker) {
        self.log
            .output(&std::mem::take(&mut worker.printed).into_bytes());
        self.next = Next::None;
        if worker.generation == self.freshness.generation() {
            self.next = Next::Ready(Box::new(worker));
        } else {
            self.end(worker.process);
            self.start("the environment changed again");
        }
    }

    pub(super) fn start_failed(&mut self, failure: StartFailure) {
        self.next = Next::None;
        self.log.output(&failure.printed.into_bytes());
        self.log
            .note(format_args!("environment refresh failed: {}", failure.why));
        tracing::warn!(project = %self.id, why = failure.why, "environment refresh failed");
        if self.freshness.generation() != failure.generation {
            return self.start("the environment changed again");
        }
        let error = WorkerError::RefreshFailed(failure.why);
        self.failed_at = Some(failure.generation);
        self.last_error = Some(error.to_string());
        self.refuse_all(&error, "environment-refresh-failed");
        self.publish();
    }

    /// Puts `worker` in the place of the old one, which is idle.
    pub(super) fn swap(&mut self, worker: Worker) {
        self.log.note(format_args!(
            "worker {} ready at generation {} (Python {})",
            worker.process.pid(),
            worker.generation,
            worker.python,
        ));
        tracing::info!(
            project = %self.id,
            pid = worker.process.pid(),
            generation = %worker.generation,
            took_ms = worker.took.as_secs_f64() * 1e3,
            "worker ready"
        );
        if let Some(old) = self.worker.replace(worker) {
            self.restarts += 1;
            self.log
                .note(format_args!("worker {} replaced", old.process.pid()));
            self.end(old.process);
        }
        self.hangup_deadline = None;
        self.failed_at = None;
        self.last_error = None;
        self.want_spare();
        self.publish();
        for (old_pid, waiter) in std::mem::take(&mut self.waiters) {
            let _ = waiter.send(Ok(self.restarted(old_pid)));
        }
    }

    /// The project is in use: keep a spare, or have one soon.
    pub(super) fn want_spare(&mut self) {
        let now = Instant::now();
        self.spare_wanted_until = now + self.plan.settings.spare_idle;
        if matches!(self.spare, SpareState::None | SpareState::Due(_)) {
            self.spare = SpareState::Due(now + SPARE_DELAY);
        }
    }

    pub(super) fn drop_spare(&mut self) {
        match std::mem::replace(&mut self.spare, SpareState::None) {
            SpareState::Ready(spare) => self.end(spare.process),
            SpareState::Preparing(preparing) => self.cancel(preparing),
            SpareState::None | SpareState::Due(_) | SpareState::Failed => {}
        }
    }
}

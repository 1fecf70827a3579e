//! From one generation to the next: when a worker is started, what becomes of the start, and the spare for the one after.

use std::sync::Arc;

use tokio::time::Instant;

use super::failed::Failed;
use super::{Next, SPARE_DELAY, SpareState, Task};
use crate::backend::events::Events;
use crate::backend::worker::start::Background;
use crate::backend::worker::start::{StartFailure, Worker};
use crate::backend::worker::task::ask::WorkerError;

impl Task {
    /// When the next worker is tried again by itself.
    pub(super) fn retry_at(&self) -> Option<Instant> {
        let failed = self.failed.as_ref()?;
        matches!(self.next, Next::None).then_some(failed.again_at)?
    }

    /// Starts the next worker and says why in the state.
    pub(super) fn replace(&mut self, why: &str) {
        self.last_refresh = Some(format!("replaced: {why}"));
        self.inquiry = None;
        self.start(why);
    }

    /// Sees to it that the environment as it is now is in the next node. A worker that nobody has used, or that somebody
    /// has stopped, stays away.
    pub(super) fn refresh(&mut self) {
        let wanted = self.freshness.look();
        let failed_at = self.failed.as_ref().map(|failed| failed.view);
        if failed_at == Some(wanted) {
            return; // It is tried again when it is time.
        }
        match (&self.next, &self.worker) {
            (Next::Ready(next), _) if next.view != wanted => {
                self.replace("the environment changed");
            }
            (Next::None, Some(worker)) if worker.view != wanted => {
                self.follow();
            }
            (Next::None, None) if failed_at.is_some() => self.replace("the environment changed"),
            // A start that is under way is asked again when it is done.
            (Next::Starting(_) | Next::Ready(_) | Next::None, _) => {}
        }
    }

    pub(super) fn start_unless_starting(&mut self, why: &str) {
        if !matches!(self.next, Next::Starting(_)) {
            self.start(why);
        }
    }

    pub(super) fn start(&mut self, why: &str) {
        tracing::info!(project = %self.id, why, generation = %self.freshness.known().generation, "starting a worker");
        if let Some(events) = self.events() {
            events.worker_starting(&self.id, self.freshness.known().generation, why);
        }
        let spare = Self::spare_of(std::mem::replace(&mut self.spare, SpareState::None));
        let worker = Arc::clone(&self.plan).worker(spare, self.freshness.clone());
        if let Next::Ready(worker) =
            std::mem::replace(&mut self.next, Next::Starting(Background::spawn(worker)))
        {
            self.end(worker.process);
        }
        self.publish();
    }

    pub(super) fn started(&mut self, worker: Worker) {
        self.next = Next::None;
        if worker.view == self.freshness.look() {
            self.next = Next::Ready(Box::new(worker));
        } else {
            self.end(worker.process);
            self.start("the environment changed again");
        }
    }

    pub(super) fn start_failed(&mut self, failure: StartFailure) {
        self.next = Next::None;
        self.log
            .note(format_args!("environment refresh failed: {}", failure.why));
        tracing::warn!(project = %self.id, why = failure.why, "environment refresh failed");
        if self.freshness.look() != failure.view {
            return self.start("the environment changed again");
        }
        if let Some(events) = self.events() {
            let generation = failure.view.generation;
            events.worker_failed(&self.id, generation, failure.why.clone());
        }
        let error = WorkerError::RefreshFailed(failure.why);
        let failed = Failed::after(self.failed.take(), failure.view, self.plan.settings.retry);
        self.failed = Some(Failed {
            keeps_old: self.worker.is_some() && self.plan.config().worker_keep_old.value,
            ..failed
        });
        self.last_error = Some(error.to_string());
        self.refuse_all(&error, "environment-refresh-failed");
        self.publish();
    }

    /// Puts `worker` in the place of the old one, which is idle.
    pub(super) fn swap(&mut self, worker: Worker) {
        self.log.note(format_args!(
            "worker {} ready at generation {} (Python {})",
            worker.process.pid(),
            worker.view.generation,
            worker.python,
        ));
        tracing::info!(
            project = %self.id,
            pid = worker.process.pid(),
            generation = %worker.view.generation,
            took_ms = worker.took.as_secs_f64() * 1e3,
            "worker ready"
        );
        if let Some(events) = self.events() {
            let (generation, pid) = (worker.view.generation, worker.process.pid());
            events.worker_ready(&self.id, generation, pid);
        }
        if let Some(old) = self.worker.replace(worker) {
            self.restarts += 1;
            self.log
                .note(format_args!("worker {} replaced", old.process.pid()));
            self.end_after_handover(old.process);
        }
        self.hangup_deadline = None;
        self.inquiry = None;
        self.failed = None;
        self.last_error = None;
        self.want_spare();
        self.publish();
        for (old_pid, waiter) in std::mem::take(&mut self.waiters) {
            let _ = waiter.send(Ok(self.restarted(old_pid)));
        }
    }

    /// Where this worker's life is told; not that of workers for branches, which come and go with the load.
    fn events(&self) -> Option<&Events> {
        (!self.is_extra()).then_some(&self.plan.settings.events)
    }

    /// The project is in use: keep a spare, or have one soon.
    pub(super) fn want_spare(&mut self) {
        let now = Instant::now();
        self.used_at = now;
        if self.is_extra() {
            return; // Nobody waits for the next one of these.
        }
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

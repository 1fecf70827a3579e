//! From one worker to the next: the start, what becomes of it, and the change of places.

use std::sync::Arc;

use tokio::time::Instant;

use super::current::Current;
use super::failed::Failed;
use super::messages::WorkerError;
use super::spare::SpareState;
use super::{Next, Task};
use crate::api::v1::{Refresh, WaitFor, Waiting};
use crate::backend::events::{Events, RunName, Takeover};
use crate::backend::worker::start::{Background, Spare, StartFailure, Worker};
use crate::secrets;

impl Task {
    /// When the next worker is tried again by itself.
    pub(super) fn retry_at(&self) -> Option<Instant> {
        let failed = self.failed.as_ref()?;
        matches!(self.next, Next::None).then_some(failed.again_at)?
    }

    /// Starts the next worker and says why in the state.
    pub(super) fn replace(&mut self, why: Refresh) {
        let reason = why.to_string();
        let file = why.file().map(str::to_owned);
        let is_by_change = why == Refresh::EnvironmentChanged;
        self.told.refresh = Some(why);
        if let Some(current) = &mut self.current {
            current.take_question();
        }
        self.begin(&reason, file, is_by_change);
    }

    pub(super) fn start_unless_starting(&mut self, why: &str) {
        if !matches!(self.next, Next::Starting(_)) {
            self.start(why);
        }
    }

    pub(super) fn start(&mut self, why: &str) {
        self.begin(why, None, false);
    }

    /// As [`Self::start`], by a change of `file`, or of what is installed.
    fn begin(&mut self, why: &str, file: Option<String>, is_by_change: bool) {
        let changed = self.freshness.changed();
        self.told.start = Waiting {
            r#for: WaitFor::Worker,
            file,
            changed: if is_by_change {
                changed.to_vec()
            } else {
                Vec::new()
            },
        };
        self.told.wanted_at.get_or_insert_with(Instant::now);
        let (generation, run) = (self.freshness.known().generation, self.freshness.run());
        tracing::info!(project = %self.id, why, %generation, run = name(run), "starting a worker");
        if let Some(events) = self.events() {
            events.worker_starting(&self.id, generation, run, why);
        }
        let worker = Arc::clone(&self.plan).worker(self.spare.take(), self.freshness.clone());
        let next = Next::Starting(Background::spawn(worker));
        if let Next::Ready(worker) = std::mem::replace(&mut self.next, next) {
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
            self.begin("the environment changed again", None, true);
        }
    }

    pub(super) fn start_failed(&mut self, failure: StartFailure) {
        self.next = Next::None;
        self.log
            .note(format_args!("environment refresh failed: {}", failure.why));
        let run = name(self.freshness.run());
        tracing::warn!(project = %self.id, why = failure.why, run, "environment refresh failed");
        if self.freshness.look() != failure.view {
            return self.begin("the environment changed again", None, true);
        }
        self.told.wanted_at = None;
        if let Some(events) = self.events() {
            let generation = failure.view.generation;
            events.worker_failed(&self.id, generation, self.freshness.run(), &failure.why);
        }
        let error = WorkerError::RefreshFailed(failure.why);
        let failed = Failed::after(self.failed.take(), failure.view, self.plan.settings.retry);
        self.failed = Some(Failed {
            keeps_old: self.current.is_some() && self.plan.config().worker_keep_old.value,
            ..failed
        });
        self.told.last_error = Some(secrets::hide(&error.to_string()).into_owned());
        self.refuse_all(&error);
        self.publish();
    }

    /// Puts `worker` in the place of the old one, which is idle.
    pub(super) fn swap(&mut self, worker: Worker) {
        let (pid, generation) = (worker.process.pid(), worker.view.generation);
        let wanted_at = self.told.wanted_at.take();
        self.log.note(format_args!(
            "worker {pid} ready at generation {generation} (Python {})",
            worker.python,
        ));
        tracing::info!(
            project = %self.id,
            pid,
            %generation,
            run = name(self.freshness.run()),
            took_ms = worker.took.as_secs_f64() * 1e3,
            "worker ready"
        );
        if let Some(events) = self.events() {
            let takeover = Takeover {
                pid,
                old_pid: self.pid(),
                took: wanted_at.map_or(worker.took, |since| since.elapsed()),
            };
            events.worker_ready(&self.id, generation, self.freshness.run(), takeover);
        }
        if let Some(old) = self.current.replace(Current::new(worker)) {
            self.told.restarts += 1;
            self.log.note(format_args!("worker {} replaced", old.pid()));
            self.end_after_handover(old.worker.process);
        }
        self.failed = None;
        self.told.last_error = None;
        self.want_spare();
        self.publish();
        self.tell_waiters();
    }

    /// Tells everybody who waits for a worker that it is there.
    pub(super) fn tell_waiters(&mut self) {
        for (old_pid, waiter) in std::mem::take(&mut self.waiters) {
            let _ = waiter.send(Ok(self.restarted(old_pid)));
        }
    }

    /// Where this worker's life is told; not that of workers for branches, which come and go with the load.
    fn events(&self) -> Option<&Events> {
        (!self.is_for_branches()).then_some(&self.plan.settings.events)
    }

    /// The project is in use: keep a spare, or have one soon.
    pub(super) fn want_spare(&mut self) {
        self.used_at = Instant::now();
        // Nobody waits for the one after a worker for branches.
        if !self.is_for_branches() {
            self.spare.want(self.plan.settings.spare_idle);
        }
    }

    /// Does what is due about the spare.
    pub(super) fn see_to_spare(&mut self, now: Instant) {
        if self.spare.is_due(now) {
            let standby = Arc::clone(&self.plan).standby();
            self.spare.state = SpareState::Preparing(Background::spawn(standby));
        } else if self.spare.is_unwanted(now) {
            self.drop_spare();
        }
    }

    pub(super) fn drop_spare(&mut self) {
        match self.spare.take() {
            Some(Spare::Ready(spare)) => self.end(spare.process),
            Some(Spare::Preparing(preparing)) => self.cancel(preparing),
            None => {}
        }
    }
}

/// What a run is called in the log, by which its lines are found.
fn name(run: Option<&RunName>) -> &str {
    run.map_or("", |run| &run.id)
}

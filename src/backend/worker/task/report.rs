//! The worker's state as others see it.

use super::current::Current;
use super::{Next, Task};
use crate::api::v1::{Refresh, Restarted, WaitFor, Waiting, WorkerState, WorkerStatus};
use crate::project::RestartPolicy;

impl Task {
    pub(super) fn pid(&self) -> Option<u32> {
        self.current.as_ref().map(Current::pid)
    }

    pub(super) fn restarted(&self, old_pid: Option<u32>) -> Restarted {
        let new_pid = self.pid();
        Restarted {
            restarted: old_pid != new_pid,
            old_pid,
            new_pid,
            worker: self.status.borrow().clone(),
        }
    }

    pub(super) fn state(&self) -> WorkerState {
        match (&self.next, &self.current) {
            _ if self.is_busy() => WorkerState::Busy,
            (Next::Starting(_) | Next::Ready(_), _) => WorkerState::Starting,
            _ if self.failed.is_some() => WorkerState::Failed,
            (Next::None, Some(_)) => WorkerState::Idle,
            (Next::None, None) => WorkerState::Stopped,
        }
    }

    /// What whoever wants the worker waits for now.
    fn waiting(&self) -> Option<Waiting> {
        match (self.running(), &self.next) {
            (Some(running), _) => Some(Waiting {
                r#for: WaitFor::Node,
                file: Some(running.file.clone()),
                changed: Vec::new(),
            }),
            (None, Next::Starting(_) | Next::Ready(_)) => Some(self.told.start.clone()),
            (None, Next::None) => None,
        }
    }

    /// Whether nodes run on the worker although the environment is another one now.
    fn stays(&self) -> bool {
        let wanted = self.freshness.known();
        let keeps_old = self.failed.as_ref().is_some_and(|failed| failed.keeps_old);
        let current = self.current.as_ref();
        let is_behind = current.is_some_and(|current| current.worker.view != wanted);
        is_behind && (keeps_old || self.policy == RestartPolicy::Manual)
    }

    pub(super) fn publish(&self) {
        let worker = self.current.as_ref().map(|current| &current.worker);
        self.status.send_replace(WorkerStatus {
            project: self.id.clone(),
            state: self.state(),
            pid: self.pid(),
            generation: worker.map(|worker| worker.view.generation.0),
            env_generation: self.freshness.known().generation.0,
            python: worker.map(|worker| worker.python.clone()),
            started_at: worker.map(|worker| worker.started_at),
            busy_with: self.running().map(|running| running.file.clone()),
            waiting: self.waiting(),
            restarts: self.told.restarts,
            last_error: self.told.last_error.clone(),
            last_exit: self.told.last_exit.clone(),
            last_refresh: self.told.refresh.as_ref().map(Refresh::sentence),
            refresh: self.told.refresh.clone(),
            stays: self.stays(),
            // What is known of all of the project's workers together: `Job::status`.
            branch_workers: 0,
            objects: None,
            language_servers: Vec::new(),
            log_lines_lost: 0,
        });
    }

    /// As [`Self::publish`], for what a node alone changes.
    pub(super) fn publish_busy(&self) {
        self.status.send_modify(|status| {
            status.state = self.state();
            status.env_generation = self.freshness.known().generation.0;
            status.busy_with = self.running().map(|running| running.file.clone());
            status.waiting = self.waiting();
        });
    }
}

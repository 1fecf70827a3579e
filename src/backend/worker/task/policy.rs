//! What a change of the environment means for the worker, by the project's policy (`worker.policy`).
//!
//! Under `loaded` the worker is asked whether a file that it has loaded is another one now. If so it is replaced; otherwise
//! it is told to look at the folders again, and keeps its memory.

use tokio::time::Instant;

use super::Task;
use super::inquiry::{Asked, Inquiry};
use crate::backend::worker::protocol::request::{self, Modules};
use crate::backend::worker::start::View;
use crate::project::RestartPolicy;

impl Task {
    /// Whether the next node may run on the worker that there is; otherwise what it waits for is under way.
    pub(super) fn may_run(&mut self) -> bool {
        let wanted = self.freshness.look();
        let Some(worker) = &self.worker else {
            return true; // Whoever runs nodes starts one.
        };
        let is_kept = |failed: &super::failed::Failed| failed.keeps_old && failed.view == wanted;
        if worker.view == wanted || self.failed.as_ref().is_some_and(is_kept) {
            return true;
        }
        self.follow() == Followed::Stays
    }

    /// Does what the policy says about a worker on another environment than there is.
    pub(super) fn follow(&mut self) -> Followed {
        let wanted = self.freshness.known();
        let Some(worker) = &self.worker else {
            return Followed::Changes;
        };
        let same_interpreter = worker.view.interpreter == wanted.interpreter;
        self.policy = self.plan.config().worker_policy.value;
        match self.policy {
            RestartPolicy::Manual => {
                self.last_refresh = Some(format!(
                    "kept: it waits for a restart by hand (policy manual) and is stale: generation {}, the environment is \
                     at {}",
                    worker.view.generation, wanted.generation
                ));
                self.publish();
                return Followed::Stays;
            }
            RestartPolicy::Loaded if self.running.is_some() => self.is_refresh_due = true,
            RestartPolicy::Loaded if same_interpreter => {
                if self.inquiry.is_none() {
                    self.ask(wanted, Asked::Modules);
                }
            }
            RestartPolicy::Loaded => self.replace("the interpreter changed"),
            RestartPolicy::Always => self.replace("the environment changed"),
        }
        Followed::Changes
    }

    fn ask(&mut self, view: View, asked: Asked) {
        let Some(worker) = &mut self.worker else {
            return;
        };
        worker.process.send(&match asked {
            Asked::Modules => request::modules(),
            Asked::Invalidate => request::invalidate(view.generation),
        });
        self.inquiry = Some(Inquiry {
            view,
            asked,
            deadline: Instant::now() + self.plan.settings.grace,
        });
    }

    /// Takes in the answer.
    pub(super) fn inquired(&mut self, reply: &str) {
        let Some(Inquiry { view, asked, .. }) = self.inquiry.take() else {
            return;
        };
        match asked {
            Asked::Modules => {
                let modules: Modules = serde_json::from_str(reply).unwrap_or_default();
                match modules.changed.as_deref() {
                    Some([]) => self.ask(view, Asked::Invalidate),
                    Some([file, ..]) => {
                        self.replace(&format!("{file} changed, which it had loaded"));
                    }
                    None => self.replace("it was started under another policy"),
                }
            }
            Asked::Invalidate => {
                if let Some(worker) = &mut self.worker {
                    worker.view = view;
                }
                let kept = "kept: no file that it had loaded changed (policy loaded)";
                self.last_refresh = Some(kept.to_owned());
                self.log
                    .note(format_args!("at generation {}; {kept}", view.generation));
                self.publish();
                for (old_pid, waiter) in std::mem::take(&mut self.waiters) {
                    let _ = waiter.send(Ok(self.restarted(old_pid)));
                }
            }
        }
    }
}

/// What was done about a change.
#[derive(PartialEq, Eq)]
pub(super) enum Followed {
    /// The worker stays as it is.
    Stays,
    /// It is asked, or another one is on its way.
    Changes,
}

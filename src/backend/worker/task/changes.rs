//! What a change of the environment means for the worker, by the project's policy (`worker.policy`).
//!
//! Under `loaded` the worker is asked whether a file that it has loaded is another one now. If so it is replaced;
//! otherwise it is told to look at the folders again, and keeps its memory.

use super::current::Current;
use super::failed::Failed;
use super::question::{About, Question};
use super::{Next, Task};
use crate::api::v1::{NodeCode, Refresh};
use crate::backend::worker::protocol::{Changed, DaemonReply};
use crate::backend::worker::start::View;
use crate::project::RestartPolicy;
use crate::secrets;

impl Task {
    /// Sees to it that the environment as it is now is in the next node. A worker that nobody has used, or that
    /// somebody has stopped, stays away.
    pub(super) fn refresh(&mut self) {
        let wanted = self.freshness.look();
        let failed_at = self.failed.as_ref().map(|failed| failed.view);
        if failed_at == Some(wanted) {
            return; // It is tried again when it is time.
        }
        match (&self.next, &self.current) {
            (Next::Ready(next), _) if next.view != wanted => {
                let why = self.change_since(next.view);
                self.replace(why);
            }
            (Next::None, Some(current)) if current.worker.view != wanted => {
                self.follow();
            }
            (Next::None, None) if failed_at.is_some() => self.replace(Refresh::EnvironmentChanged),
            // A start that is under way is asked again when it is done.
            (Next::Starting(_) | Next::Ready(_) | Next::None, _) => {}
        }
    }

    /// Whether the next node may run on the worker that there is; otherwise what it waits for is under way.
    pub(super) fn may_run(&mut self) -> bool {
        let wanted = self.freshness.look();
        let Some(current) = &self.current else {
            return true; // Whoever runs nodes starts one.
        };
        let is_kept = |failed: &Failed| failed.keeps_old && failed.view == wanted;
        if current.worker.view == wanted || self.failed.as_ref().is_some_and(is_kept) {
            return true;
        }
        self.follow() == Followed::Stays
    }

    /// Does what the policy says about a worker on another environment than there is.
    fn follow(&mut self) -> Followed {
        let wanted = self.freshness.known();
        let Some(current) = &mut self.current else {
            return Followed::Changes;
        };
        let view = current.worker.view;
        self.policy = self.plan.config().worker_policy.value;
        match self.policy {
            RestartPolicy::Manual => {
                self.told.refresh = Some(Refresh::ByHand {
                    generation: view.generation.0,
                    env_generation: wanted.generation.0,
                });
                self.publish();
                return Followed::Stays;
            }
            RestartPolicy::Loaded if current.running().is_some() => self.is_refresh_due = true,
            RestartPolicy::Loaded if view.interpreter == wanted.interpreter => {
                if !current.is_asked() {
                    current.ask(wanted, About::Changed, self.plan.settings.grace);
                }
            }
            RestartPolicy::Loaded => self.replace(Refresh::InterpreterChanged),
            RestartPolicy::Always => {
                let why = self.change_since(view);
                self.replace(why);
            }
        }
        Followed::Changes
    }

    /// What happened to the environment since it was as `view`.
    fn change_since(&self, view: View) -> Refresh {
        let wanted = self.freshness.known();
        if wanted.generation == view.generation && wanted.unrecorded != view.unrecorded {
            let why = secrets::hide(&self.plan.unrecorded.why()).into_owned();
            Refresh::Unrecorded { why }
        } else {
            Refresh::EnvironmentChanged
        }
    }

    /// Takes in that the worker has not run its node, since a new process would have other modules.
    pub(super) fn declined(&mut self, why: Refresh) {
        let Some(running) = self.current.as_mut().and_then(Current::take_running) else {
            return;
        };
        if !running.is_wanted() {
            let (id, why) = (running.id.clone(), why.to_string());
            return running.answer(DaemonReply::new(&id, &why, NodeCode::Cancelled).into());
        }
        let mut node = running.into_node();
        node.declined += 1;
        self.queue.push_front(node);
        self.log.note(format_args!("a new worker is needed: {why}"));
        self.policy = self.plan.config().worker_policy.value;
        match &mut self.current {
            Some(current) if self.policy == RestartPolicy::Manual => {
                current.is_kept_spent = true;
                self.told.refresh = Some(Refresh::ByHand {
                    generation: current.worker.view.generation.0,
                    env_generation: self.freshness.known().generation.0,
                });
                self.publish();
            }
            _ => self.replace(why),
        }
    }

    /// Takes in the answer to a question.
    pub(super) fn question_answered(&mut self, reply: &str) {
        let grace = self.plan.settings.grace;
        let Some(current) = &mut self.current else {
            return;
        };
        let Some(Question { view, about, .. }) = current.take_question() else {
            return; // It came too late.
        };
        match about {
            About::Changed => {
                let Ok(Changed { mut files }) = serde_json::from_str(reply) else {
                    return self.replace(Refresh::NoAnswer);
                };
                match files.pop() {
                    None => current.ask(view, About::Folders, grace),
                    Some(file) => self.replace(Refresh::FileChanged { file }),
                }
            }
            About::Folders => {
                current.worker.view = view;
                let kept = Refresh::NothingLoadedChanged;
                let sentence = kept.sentence();
                self.log.note(format_args!(
                    "at generation {}; {sentence}",
                    view.generation
                ));
                self.told.refresh = Some(kept);
                self.publish();
                self.tell_waiters();
            }
        }
    }

    /// Whether the worker was asked something and has let its time pass.
    pub(super) fn has_no_answer(&self, now: tokio::time::Instant) -> bool {
        let question = self.current.as_ref().and_then(Current::question);
        question.is_some_and(|question| question.deadline <= now)
    }
}

/// What was done about a change.
#[derive(PartialEq, Eq)]
enum Followed {
    /// The worker stays as it is.
    Stays,
    /// It is asked, or another one is on its way.
    Changes,
}

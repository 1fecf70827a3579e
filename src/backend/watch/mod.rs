//! Notices what other tools change in an environment: uv, poetry, a pip from outside, `rm -rf`.
//!
//! Start reading at [`Watch`], the handle; `task` is the one loop behind it. The `folder_watcher` tells that something
//! moved in the environment's folders (`places`), which is only a reason to look. A `look` compares the environment
//! with its record. When the change is `over`, by the `signs` that installers leave, it enters the history as a run of
//! the tool that INSTALLER names, and the project's worker is told; where it cannot be entered, the worker is told all
//! the same. Where the system tells us nothing, a slow poll and a `stat` before every node take its place.
//!
//! **Invariant:** a change is recorded once: under the run lock, and only when what is there is not what is recorded.
//! **Invariant:** nothing is entered while somebody is seen at work.
//! **Invariant:** a project that does not move costs no processor time. Where the system tells of no changes, one that
//! nobody uses is looked at once, and then by whoever uses it first.

mod ask;
mod folder_watcher;
mod look;
mod memory;
mod over;
mod places;
mod runner;
mod scope;
mod task;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot, watch};

use self::ask::{Ask, WatchView};
pub(super) use self::folder_watcher::FolderWatcher;
pub(super) use self::runner::Watched;
use self::scope::WatchScope;
use self::task::WatchTask;
use super::supervise::{self, Pauses};
use super::worker::Job;
use crate::api::v1::{WatchMode, Watching};
use crate::backend::locked::Locked;
use crate::host::Host;
use crate::project::{Project, ProjectId};

/// Requests that may wait for the task; more make their askers wait.
const QUEUE: usize = 16;

/// The handle on the watch of one project's environment. When the last handle is gone, so is the watch.
#[derive(Debug, Clone)]
pub(super) struct Watch {
    ask: mpsc::Sender<Ask>,
    view: watch::Receiver<WatchView>,
}

impl Watch {
    /// Watches `project`'s environment and tells `job` when it has changed. Settings are read as `host` has them.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub(super) fn start(
        project: Project,
        id: ProjectId,
        host: Host,
        watcher: Arc<FolderWatcher>,
        job: Job,
    ) -> Self {
        let (ask, asked) = mpsc::channel(QUEUE);
        let (view, seen) = watch::channel(WatchView {
            gate: None,
            watching: Watching {
                mode: WatchMode::Polling,
                why: None,
                waits: false,
            },
            behind: None,
            has_looked: false,
        });
        let scope = WatchScope {
            memory: Locked::default(),
            project,
            host,
            watcher,
        };
        let mut task = WatchTask::new(id, scope, job, asked, view);
        supervise::spawn("watch", async move {
            let mut pauses = Pauses::default();
            while supervise::caught("watch", task.run()).await.is_err() {
                task = task.anew().await;
                pauses.next().await;
            }
        });
        Self { ask, view: seen }
    }

    /// Returns when the environment was looked at, and what is there is recorded if it can be.
    pub(super) async fn has_looked(&self) {
        let mut view = self.view.clone();
        // Where the watch has ended, nobody looks any more.
        let _ = view.wait_for(|view| view.has_looked).await;
    }

    /// By which means the environment is watched.
    pub(super) fn watching(&self) -> Watching {
        self.view.borrow().watching.clone()
    }

    /// Whether nothing has moved since what is there was last known to be recorded: one `stat` a folder.
    pub(super) fn is_current(&self) -> bool {
        let view = self.view.borrow();
        view.gate.as_ref().is_some_and(|gate| !gate.has_moved())
    }

    /// Returns when what is there is recorded, so that the next node sees it; to be called before every node. Waits a
    /// moment where a change may be over, but not for somebody who is still at work.
    pub(super) async fn catch_up(&self) {
        if self.is_current() {
            return;
        }
        let (reply, answer) = oneshot::channel();
        let _ = self.ask.send(Ask::Look(reply)).await;
        let _ = answer.await;
    }

    /// After [`Self::catch_up`], what a node has to say first where it may see another environment than is recorded: a
    /// line with the reason.
    pub(super) fn warning(&self) -> Option<String> {
        let view = self.view.borrow();
        view.behind
            .as_ref()
            .map(|why| format!("aim-backend: {why}\n"))
    }

    /// Ends the watch; returns when nothing is read or written any more.
    pub(super) async fn end(self) {
        let (reply, answer) = oneshot::channel();
        let _ = self.ask.send(Ask::End(reply)).await;
        let _ = answer.await;
    }
}

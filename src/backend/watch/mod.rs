//! Notices what other tools change in an environment: uv, poetry, a pip from outside, `rm -rf`.
//!
//! Start reading at [`Watch`], the handle; `task` is the one loop behind it. A movement in the environment's folders
//! (`places`, told by the `lookout`) is only a reason to look. When what a `look` shows is over (`settle`, by what `sight`
//! reads), it enters the history as a run of the tool that INSTALLER names, and the project's worker is told. Where the
//! system tells us nothing, a slow poll and a `stat` before every node take its place.
//!
//! **Invariant:** a change is recorded once: under the run lock, and only when what is there is not what is recorded.
//! **Invariant:** nothing is entered while somebody is seen at work.
//! **Invariant:** a project that nobody uses is not watched, and one that is and does not move costs no processor time.

mod ask;
mod look;
mod lookout;
mod places;
mod runner;
mod settle;
mod sight;
mod task;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot, watch};

use self::ask::{Ask, View};
pub(super) use self::lookout::Lookout;
pub(super) use self::runner::Watched;
use self::task::{Scene, Task};
use super::worker::Job;
use crate::api::v1::{WatchMode, Watching};
use crate::host::Host;
use crate::project::{Project, ProjectId};

/// Requests that may wait for the task; more make their askers wait.
const QUEUE: usize = 16;

/// The handle on the watch of one project's environment. When the last handle is gone, so is the watch.
#[derive(Debug, Clone)]
pub(super) struct Watch {
    ask: mpsc::Sender<Ask>,
    view: watch::Receiver<View>,
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
        lookout: Arc<Lookout>,
        job: Job,
    ) -> Self {
        let (ask, asked) = mpsc::channel(QUEUE);
        let (view, seen) = watch::channel(View {
            gate: None,
            watching: Watching {
                mode: WatchMode::Polling,
                why: None,
            },
        });
        let scene = Scene {
            project,
            host,
            lookout,
        };
        tokio::spawn(Task::new(id, scene, job, asked, view).run());
        Self { ask, view: seen }
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

    /// Ends the watch; returns when nothing is read or written any more.
    pub(super) async fn end(self) {
        let (reply, answer) = oneshot::channel();
        let _ = self.ask.send(Ask::End(reply)).await;
        let _ = answer.await;
    }
}

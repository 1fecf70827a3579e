//! Workers for the branches of flows: they begin with the spare of the project's first worker, stay for the next flow,
//! and end by themselves.
//!
//! **Invariant:** what was handed over is done: one that ends takes nothing in from before the moment when it looks for
//! the last time, and whoever comes later is refused at the door.

use tokio::time::{Duration, Instant};

use super::life::{Life, Role};
use super::{Next, Task};
use crate::project::RestartPolicy;

/// How long objects stay in a worker that would have ended.
const OBJECTS_KEPT: Duration = Duration::from_secs(600);

impl Task {
    pub(super) fn is_for_branches(&self) -> bool {
        self.role != Role::First
    }

    /// When it ends by itself. While it keeps objects that somebody holds, that is much later.
    pub(super) fn unused_at(&self) -> Option<Instant> {
        let Role::Branch { unused } = self.role else {
            return None;
        };
        let keeps = self.objects.are_held();
        let after = if keeps { OBJECTS_KEPT } else { unused };
        self.is_idle().then(|| self.used_at + after)
    }

    /// The environment changed. The next flow has a better one from the spare, so this one need not wait for it.
    pub(super) fn retire(&mut self) {
        if self.plan.config().worker_policy.value == RestartPolicy::Always {
            self.role = Role::Branch {
                unused: Duration::ZERO,
            };
        }
    }

    /// Takes nothing in any more; whether something came before that and is to be done first.
    pub(super) fn closes_with_work(&mut self) -> bool {
        self.role = Role::Branch {
            unused: Duration::ZERO,
        };
        self.life = Life::Closed;
        self.asked.close();
        while let Ok(control) = self.asked.try_recv() {
            self.obey(control);
        }
        self.advance();
        !self.is_idle()
    }

    fn is_idle(&self) -> bool {
        !self.is_busy() && self.queue.is_empty() && matches!(self.next, Next::None)
    }
}

//! Workers for the branches of flows: they begin with the spare of the worker of everyday, stay for the project's next
//! flow, and end by themselves.
//!
//! **Invariant:** what was handed over is done: one that ends takes nothing in from before the moment when it looks for the
//! last time, and whoever comes later is refused at the door.

use tokio::time::{Duration, Instant};

use super::{Next, SPARE_DELAY, SpareState, Task};
use crate::backend::worker::start::Spare;
use crate::project::RestartPolicy;

/// How long objects stay in a worker that would have ended.
const OBJECTS_KEPT: Duration = Duration::from_secs(600);

impl Task {
    /// Ends by itself when it was not used for so long: for a worker that only flows with branches need.
    pub(crate) fn ending_when_unused(self, after: Duration) -> Self {
        Self {
            ends_when_unused: Some(after),
            ..self
        }
    }

    pub(super) fn is_extra(&self) -> bool {
        self.ends_when_unused.is_some()
    }

    /// When it ends by itself. While it keeps objects that somebody holds, that is much later.
    pub(super) fn unused_at(&self) -> Option<Instant> {
        let after = self.ends_when_unused.filter(|_| self.is_idle())?;
        let keeps = self.objects.are_held();
        Some(self.used_at + if keeps { OBJECTS_KEPT } else { after })
    }

    /// The environment changed. The next flow has a better one from the spare, so this one need not wait for it.
    pub(super) fn retire(&mut self) {
        if self.plan.config().worker_policy.value == RestartPolicy::Always {
            self.ends_when_unused = Some(Duration::ZERO);
        }
    }

    /// Takes nothing in any more; whether something came before that and is to be done first.
    pub(super) fn closes_with_work(&mut self) -> bool {
        self.ends_when_unused = Some(Duration::ZERO);
        self.is_closed = true;
        self.asked.close();
        while let Ok(control) = self.asked.try_recv() {
            self.obey(control);
        }
        self.advance();
        !self.is_idle()
    }

    /// Hands its spare to a worker that is needed now, and makes itself another when it is idle.
    pub(super) fn give_spare(&mut self) -> Option<Spare> {
        let now = Instant::now();
        let next = if self.spare_wanted_until > now {
            SpareState::Due(now + SPARE_DELAY)
        } else {
            SpareState::None
        };
        Self::spare_of(std::mem::replace(&mut self.spare, next))
    }

    /// Begins with `spare`.
    pub(super) fn take_spare(&mut self, spare: Spare) {
        self.spare = match spare {
            Spare::Ready(standby) => SpareState::Ready(standby),
            Spare::Preparing(preparing) => SpareState::Preparing(preparing),
        };
        self.spare_wanted_until = Instant::now() + self.plan.settings.spare_idle;
    }

    /// The spare, if it is there or on its way.
    pub(super) fn spare_of(state: SpareState) -> Option<Spare> {
        match state {
            SpareState::Ready(standby) => Some(Spare::Ready(standby)),
            SpareState::Preparing(preparing) => Some(Spare::Preparing(preparing)),
            SpareState::None | SpareState::Due(_) | SpareState::Failed => None,
        }
    }

    fn is_idle(&self) -> bool {
        self.running.is_none() && self.queue.is_empty() && matches!(self.next, Next::None)
    }
}

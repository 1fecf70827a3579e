//! What is remembered of an environment between two looks at it.

use crate::inventory::{Gate, Snapshot};
use crate::store::Generation;

/// What is remembered from one look to the next.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// The environment when it was last as recorded.
    pub(super) calm: Option<Calm>,
    /// What was there when a look failed since then.
    failed: Option<Seen>,
}

/// An environment that was as recorded when it was looked at.
#[derive(Debug, Clone)]
pub(super) struct Calm {
    pub(super) generation: Generation,
    pub(super) gate: Gate,
    pub(super) seen: Snapshot,
}

/// What could be seen of an environment.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) gate: Gate,
    /// None where it could not be read.
    pub(super) snapshot: Option<Snapshot>,
}

impl Memory {
    /// Takes in that what is there, `now`, cannot be recorded. Whether workers have to be told: packages differ from
    /// those that were there before, which are compared themselves where both could be read. A gate moves for less,
    /// such as a `__pycache__`.
    pub(super) fn fail(&mut self, now: Seen) -> bool {
        let calm = self.calm.as_ref();
        let before = match &self.failed {
            Some(failed) => Some((&failed.gate, failed.snapshot.as_ref())),
            None => calm.map(|calm| (&calm.gate, Some(&calm.seen))),
        };
        let is_news = before.is_some_and(|(gate, snapshot)| match (snapshot, &now.snapshot) {
            (Some(before), Some(here)) if gate.is_same_place_as(&now.gate) => {
                !before.diff_to(here).is_empty()
            }
            _ => *gate != now.gate,
        });
        self.failed = Some(now);
        is_news
    }

    /// Takes in that the environment is as recorded.
    pub(super) fn rest(&mut self, calm: Calm) {
        *self = Self {
            calm: Some(calm),
            failed: None,
        };
    }
}

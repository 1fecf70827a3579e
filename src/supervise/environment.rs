//! The environment as a supervised command has it, and what has become of it since.

use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use super::told::Changed;
use crate::inventory::Diff;
use crate::project::{Project, VenvLayout};
use crate::store::{EnvMeta, RecordWatch, RunLock};

/// How long nothing more must have changed: what a shell needs from one pip to the next.
const SETTLE: Duration = Duration::from_millis(300);
/// How often somebody at work is looked after.
const LOOK: Duration = Duration::from_millis(100);

/// What a command was started with, and the newest record.
#[derive(Debug)]
pub(super) struct Environment {
    venv: VenvLayout,
    record: RecordWatch,
    looked_at: Instant,
    /// What the command that serves has found.
    had: EnvMeta,
    /// What the next one finds.
    next: EnvMeta,
    /// What was recorded last.
    newest: EnvMeta,
    /// Since when the newest is waited on, while it is.
    pending: Option<Instant>,
}

impl Environment {
    pub(super) fn of(project: &Project) -> Self {
        let (record, had) = RecordWatch::begin(project.layout());
        Self {
            venv: project.venv().layout(),
            record,
            looked_at: Instant::now(),
            next: had.clone(),
            newest: had.clone(),
            had,
            pending: None,
        }
    }

    /// Readable when it is worth looking.
    pub(super) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.record.descriptor()
    }

    /// When to look without being told.
    pub(super) fn next_look(&self) -> Option<Instant> {
        let pending = self
            .pending
            .map(|since| (since + SETTLE).max(self.looked_at + LOOK));
        let unheard = self.record.next_look(self.looked_at);
        pending.into_iter().chain(unheard).min()
    }

    /// Looks whether something has changed, and whether it is over: then says so once.
    pub(super) fn look(&mut self, now: Instant) -> bool {
        self.looked_at = now;
        if let Some(newest) = self.record.look() {
            self.newest = newest;
            self.pending = Some(now);
        }
        let is_over = self.pending.is_some_and(|since| now >= since + SETTLE)
            && RunLock::holder(&self.venv).is_none();
        if is_over {
            self.pending = None;
        }
        is_over
    }

    /// The generation that is recorded.
    pub(super) fn generation(&self) -> u64 {
        self.newest.generation().0
    }

    /// The generation that the command which serves was started at.
    pub(super) fn had(&self) -> u64 {
        self.had.generation().0
    }

    /// The next one is started now: what has become of the environment since the last one was.
    pub(super) fn begin(&mut self) -> Changed {
        self.next = self.newest.clone();
        self.changed()
    }

    /// The next one serves.
    pub(super) fn is_had(&mut self) {
        self.had = self.next.clone();
    }

    /// What the last change, which came to nothing, was.
    pub(super) fn changed(&self) -> Changed {
        let (since, now) = (self.had.generation(), self.next.generation());
        let last = self.next.last_change.as_ref();
        // Of one change alone its run knows more than two lists do: what was installed again, what lies elsewhere.
        let diff = match last.filter(|_| now.0 == since.0 + 1) {
            Some(last) => last.changes.clone(),
            None if now == since => Diff::default(),
            None => self.had.snapshot().diff_to(&self.next.snapshot()),
        };
        Changed {
            generation: now,
            number: last
                .and_then(|last| last.number)
                .filter(|_| !diff.is_empty()),
            diff,
        }
    }
}

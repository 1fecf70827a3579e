//! The environment as a supervised command has it, and what has become of it since.

use std::collections::{BTreeSet, HashSet};
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use super::note::Supervised;
use super::told::Changed;
use crate::inventory::Diff;
use crate::project::{Project, VenvLayout};
use crate::store::{Brought, EnvMeta, Generation, Moment, Past, RecordWatch, RunLock, RunLog};

/// How long nothing more must have changed: what a shell needs from one pip to the next.
const SETTLE: Duration = Duration::from_millis(300);
/// How often somebody at work is looked after.
const LOOK: Duration = Duration::from_millis(100);

/// What a command was started with, and the newest record.
#[derive(Debug)]
pub(super) struct Environment {
    project: Project,
    venv: VenvLayout,
    record: RecordWatch,
    looked_at: Instant,
    /// What the command that serves has found.
    had: EnvMeta,
    /// What the next one finds.
    next: EnvMeta,
    /// What was recorded when the command was seen last to have loaded nothing that is different now.
    fresh: EnvMeta,
    /// What was recorded last.
    newest: EnvMeta,
    /// Since when the newest is waited on, while it is.
    pending: Option<Instant>,
}

impl Environment {
    pub(super) fn of(project: &Project) -> Self {
        let (record, had) = RecordWatch::begin(project.layout());
        Self {
            project: project.clone(),
            venv: project.venv().layout(),
            record,
            looked_at: Instant::now(),
            next: had.clone(),
            fresh: had.clone(),
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

    /// The generation that the command which serves was started at.
    pub(super) fn had(&self) -> Generation {
        self.had.generation()
    }

    /// Takes it for had as it was at `generation`, where that is known: what has changed since is to be followed.
    pub(super) fn take_up(&mut self, generation: Generation, now: Instant) {
        if generation == self.had.generation() {
            return;
        }
        let moment = Moment::Generation(generation);
        let log = RunLog::read(&self.project.layout());
        if let Ok(past) = Past::at(&moment, &self.newest, &log) {
            self.had = past.as_recorded(&self.newest);
        }
        self.had.generation = generation;
        self.next = self.had.clone();
        self.pending = Some(now);
    }

    /// Whether something is recorded that no command was started with.
    pub(super) fn has_moved(&self) -> bool {
        self.newest.generation() != self.next.generation()
    }

    /// Notes which generation there is, and which is the newest in which nothing is different that the command has
    /// loaded, as far as anybody looked.
    pub(super) fn note_in(&self, note: &mut Supervised) {
        note.env_generation = self.newest.generation().0;
        note.fresh_generation = self.fresh.generation().0;
    }

    /// Whether what is recorded now has something else for a command that has looked for the modules `loaded`. If not,
    /// that is remembered.
    pub(super) fn concerns(&mut self, loaded: &HashSet<String>) -> bool {
        let is_other = self.has_other(loaded).unwrap_or(true);
        if !is_other {
            self.fresh = self.newest.clone();
        }
        is_other
    }

    /// The same; none where nobody can tell.
    fn has_other(&self, loaded: &HashSet<String>) -> Option<bool> {
        let (since, now) = (self.fresh.generation(), self.newest.generation());
        if since == now {
            return Some(false);
        }
        if since > now || self.fresh.python != self.newest.python {
            return Some(true);
        }
        let records = RunLog::records(&self.project.layout()).ok()?.into_iter();
        let between: Vec<_> = records
            .filter(|record| {
                record.generation_after > since
                    && record.generation_after <= now
                    && !record.changes.is_empty()
            })
            .collect();
        let made: HashSet<_> = between
            .iter()
            .map(|record| record.generation_after)
            .collect();
        if u64::try_from(made.len()) != Ok(now.0 - since.0) {
            return None;
        }
        let mut names = BTreeSet::new();
        for record in between {
            let changed = record.changes.names();
            if changed.startup {
                return Some(true);
            }
            names.extend(changed.distributions);
        }
        // What came and went meanwhile is not different.
        let both = [self.fresh.snapshot(), self.newest.snapshot()];
        names.retain(|name| both.iter().any(|one| one.find(name).is_some()));
        let brought = Brought::between(self.project.venv(), (since, now), &names).ok()??;
        Some(brought.has_startup || !brought.modules.is_disjoint(loaded))
    }

    /// The next one is started now: what has become of the environment since the last one was.
    pub(super) fn begin(&mut self) -> Changed {
        self.next = self.newest.clone();
        self.changed()
    }

    /// The next one serves.
    pub(super) fn is_had(&mut self) {
        self.had = self.next.clone();
        self.fresh = self.next.clone();
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

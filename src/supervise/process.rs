//! The processes of a supervised command: who serves, who leaves, who comes.

use std::time::Instant;

use super::doors::Turn;
use super::loaded::LoadedList;
use super::told::Changed;

/// A process that was started.
pub(super) struct Started {
    pub(super) pid: u32,
    /// What it loads, where that is asked for and can be told.
    pub(super) loaded: Option<LoadedList>,
}

/// It does what the command is for.
pub(super) struct Serving {
    pub(super) pid: u32,
    pub(super) turn: Turn,
    pub(super) since: Instant,
    /// Whether it was started by a restart, and not by the person.
    pub(super) is_next: bool,
    pub(super) loaded: Option<LoadedList>,
}

/// It is to end.
pub(super) struct Leaving {
    pub(super) pid: u32,
    pub(super) turn: Turn,
    /// When it is asked to; none once it was.
    pub(super) ask_at: Option<Instant>,
    /// None once it was killed.
    pub(super) kill_at: Option<Instant>,
}

/// One is to take the place of another.
pub(super) struct Restart {
    pub(super) why: Changed,
    pub(super) began: Instant,
    /// The next one, where it is started before the last one ends.
    pub(super) coming: Option<Started>,
}

impl Restart {
    pub(super) fn is_of(&self, pid: u32) -> bool {
        self.coming.as_ref().is_some_and(|next| next.pid == pid)
    }
}

//! What happens to a supervised command, for who tells it to people.

use std::time::Duration;

use crate::exec::ChildStatus;
use crate::inventory::Diff;
use crate::store::{Generation, RunNumber};

/// What the environment has become since the command began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// What it is now.
    pub generation: Generation,
    /// The last run that made it so.
    pub number: Option<RunNumber>,
    /// What is different; nothing where somebody asked for the restart.
    pub diff: Diff,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// Another process of the command has taken the place of the last one.
    Restarted {
        /// Why.
        why: Changed,
        /// How long nobody, or the last one still, was there.
        took: Duration,
    },
    /// The command was sent the signal that it wanted.
    Signaled {
        /// Why.
        why: Changed,
        /// The signal.
        signal: i32,
    },
    /// The last one did not end in time, and was killed.
    Killed {
        /// How much time it had.
        grace: Duration,
    },
    /// Nobody can tell what the command has loaded: every change counts.
    LoadedUnknown,
    /// A command that is run after each change has run.
    HasRun {
        /// The change that it followed.
        why: Changed,
        /// How it ended.
        status: ChildStatus,
        /// How long it ran.
        took: Duration,
    },
    /// It seems to change the environment itself: the next run waits.
    Paced {
        /// How long; longer each time.
        pause: Duration,
    },
    /// The next one ended at once. The last one goes on, or the next change is waited for.
    EndedAtOnce {
        /// The change at which it was started.
        why: Changed,
        /// How it ended.
        status: ChildStatus,
        /// Whether the last one goes on.
        goes_on: bool,
    },
    /// The next one cannot be started: its program is not there any more, say.
    CannotStart {
        /// The change at which it was to be started.
        why: Changed,
        /// What the system says.
        error: String,
        /// Whether the last one goes on.
        goes_on: bool,
    },
}

/// Tells people.
pub trait Observer {
    /// Something happened.
    fn told(&mut self, told: &Told);
}

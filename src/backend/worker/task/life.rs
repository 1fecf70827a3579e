//! What a task is for, and how far it has come in its life.

use std::time::Duration;

/// Which of a project's workers it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// The one that is always there once the project is in use.
    First,
    /// One more, for the branches of flows. It ends when it was not used for so long.
    Branch { unused: Duration },
}

/// How far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    /// It takes in what is asked.
    Open,
    /// The worker is to end when it has done what was asked before; then it is open again.
    Stopping,
    /// It takes nothing in any more, and ends when it has done what it has.
    Closed,
}

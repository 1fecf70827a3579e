//! What is told of the hook: what was done, what is there, what went wrong.

use std::path::PathBuf;

use crate::files::momentary::there;

/// What [`install`](super::install), [`mend`](super::mend) and [`remove`](super::remove) did. Empty lists mean that
/// nothing had to be done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Files that were written, or given back.
    pub written: Vec<PathBuf>,
    /// Files that were taken away.
    pub removed: Vec<PathBuf>,
}

impl Changes {
    /// Whether nothing had to be done.
    pub fn is_empty(&self) -> bool {
        self.written.is_empty() && self.removed.is_empty()
    }
}

/// A file of ours that could not be put in place or taken away.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    /// The shim's path is relative, so that the hook could not name it.
    #[error("the path of aim-pip is not absolute: {}", .0.display())]
    RelativeShim(PathBuf),
    /// Reading or writing failed; the message names the file.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// One of our places in an environment, and what is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The file.
    pub path: PathBuf,
    /// What is there.
    pub state: HookState,
}

/// What is in one of our places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HookState {
    /// Ours, and it leads to the `aim-pip` that was asked about.
    Ours,
    /// Ours, but it leads to another `aim-pip`, which may be gone; or it was written by another version.
    Elsewhere(PathBuf),
    /// Something else, which the next [`mend`](super::mend) replaces.
    Foreign,
    /// Nothing.
    Missing,
    /// A launcher of an earlier version in the place of a script of pip's, which the next [`mend`](super::mend) puts
    /// back.
    Launcher,
}

impl HookState {
    /// Whether it leads to an `aim-pip` that is there, as far as anybody may look.
    pub fn leads_somewhere(&self) -> bool {
        match self {
            Self::Ours => true,
            Self::Elsewhere(other) => !matches!(there(other.metadata()), Ok(None)),
            Self::Foreign | Self::Missing | Self::Launcher => false,
        }
    }
}

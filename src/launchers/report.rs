//! What is told of our files: what was done, what is there, what went wrong.

use std::path::PathBuf;

/// What [`install`](super::install) and [`heal`](super::heal) did. Empty lists mean that everything was in place
/// already.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Files that were written, or given back by [`remove`](super::remove).
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
pub enum LauncherError {
    /// The shim's path is relative, so that a launcher could not name it.
    #[error("the path of aim-pip is not absolute: {}", .0.display())]
    RelativeShim(PathBuf),
    /// Reading or writing failed; the message names the file.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// One of our places in an environment, and what is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Launcher or hook.
    pub part: EntryPart,
    /// The file.
    pub path: PathBuf,
    /// What is there.
    pub state: EntryState,
}

/// The two ways into `aim-pip`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryPart {
    /// A file in `bin`.
    Launcher,
    /// The hook's files in site-packages.
    Hook,
}

/// What is in one of our places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryState {
    /// Ours, and it leads to the `aim-pip` that was asked about.
    Ours,
    /// Ours, but it leads to another `aim-pip`, which may be gone; or it was written by another version.
    Elsewhere(PathBuf),
    /// Something else, pip's own script for example: the next [`heal`](super::heal) takes it in.
    Foreign,
    /// Nothing.
    Missing,
}

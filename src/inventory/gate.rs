//! The cheapest question: may something have been installed or removed since?

use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use crate::project::Venv;

/// The state of an environment's site-packages folders. Every installer makes or removes an entry there, which
/// moves the folder's modification time; so a gate that has not moved means that nothing changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gate {
    folders: Vec<(PathBuf, Option<State>)>,
}

/// Device, inode, and modification time in nanoseconds.
type State = (u64, u64, i64, i64);

impl Gate {
    /// The gate of `venv` as it is now.
    pub fn of(venv: &Venv) -> Self {
        let folders = venv.site_packages().into_iter();
        Self {
            folders: folders
                .map(|path| {
                    let now = state(&path);
                    (path, now)
                })
                .collect(),
        }
    }

    /// Whether something may have changed since: one `stat` a folder. An environment without any folder is always
    /// taken as changed.
    pub fn has_moved(&self) -> bool {
        self.folders.is_empty() || self.folders.iter().any(|(path, then)| state(path) != *then)
    }
}

fn state(path: &PathBuf) -> Option<State> {
    let meta = std::fs::metadata(path).ok()?;
    Some((meta.dev(), meta.ino(), meta.mtime(), meta.mtime_nsec()))
}

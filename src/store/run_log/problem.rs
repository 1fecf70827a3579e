//! What is wrong with a history.

use std::io;
use std::path::{Path, PathBuf};

use crate::files::momentary::is_momentary;

/// Something in the history that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {why}", .path.display())]
pub struct Problem {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub why: String,
    /// Nothing is wrong with it: the system had no descriptors or memory left.
    pub is_momentary: bool,
}

impl Problem {
    /// What the file at `path` says is wrong.
    pub(super) fn of(path: &Path, why: String) -> Self {
        Self {
            path: path.to_path_buf(),
            why,
            is_momentary: false,
        }
    }

    /// The file at `path` cannot be read.
    pub(super) fn unread(path: &Path, error: &io::Error) -> Self {
        Self {
            path: path.to_path_buf(),
            why: error.to_string(),
            is_momentary: is_momentary(error),
        }
    }
}

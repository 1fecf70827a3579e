//! Why something could not be stored.

use std::io;
use std::path::{Path, PathBuf};

use super::link::LinkRefused;
use super::lock::LockError;
use crate::project::Venv;

/// Why a write did not happen. The project is then as it was before, up to the last step that was completed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The place cannot be written: read-only, or not ours.
    #[error("cannot write {}: {source}", .path.display())]
    ReadOnly {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The disk or the quota is full, or the file would be larger than allowed.
    #[error("no room to write {}: {source}", .path.display())]
    Full {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Anything else that the system refused.
    #[error("{}: {source}", .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A link stands in the way.
    #[error(transparent)]
    Link(LinkRefused),
    /// The project's lock could not be had.
    #[error(transparent)]
    Lock(#[from] LockError),
}

impl StoreError {
    /// Nobody knows what is installed in `venv`.
    pub(crate) fn unscanned(venv: &Venv) -> impl FnOnce(io::Error) -> Self {
        |source| Self::Io {
            path: venv.root().to_path_buf(),
            source,
        }
    }

    /// Nobody knows what is in the file at `path`.
    pub(super) fn unread(path: PathBuf) -> impl FnOnce(io::Error) -> Self {
        |source| Self::Io { path, source }
    }

    /// Whether it is for a link that the person can allow (`aim-venv-sync allow`).
    pub fn is_link_to_allow(&self) -> bool {
        matches!(self, Self::Link(refused) if refused.can_be_allowed())
    }

    /// What the system said about `path`, by kind.
    pub(super) fn at(path: &Path, source: io::Error) -> Self {
        if let Some(refused) = LinkRefused::of(&source) {
            return Self::Link(refused.clone());
        }
        let path = path.to_path_buf();
        match source.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::ReadOnly { path, source }
            }
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge => Self::Full { path, source },
            _ => Self::Io { path, source },
        }
    }
}

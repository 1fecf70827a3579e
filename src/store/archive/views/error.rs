//! Why there is no view.

use std::io;
use std::path::{Path, PathBuf};

use crate::store::record::Generation;

/// Why there is no view of a generation.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// What the generation had is not known any more, or not yet.
    #[error("nobody knows what generation {0} had")]
    Unknown(Generation),
    /// Only what PEP 405 describes can be had a second time: not an environment of conda's.
    #[error("{} has no pyvenv.cfg", .0.display())]
    NoVenv(PathBuf),
    /// The system refused.
    #[error("{}: {source}", .path.display())]
    Io {
        /// The folder of views.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
}

impl ViewError {
    pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> Self {
        |source| Self::Io {
            path: path.to_path_buf(),
            source,
        }
    }
}

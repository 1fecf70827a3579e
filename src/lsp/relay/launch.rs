//! How servers are started.

use std::ffi::OsString;
use std::path::PathBuf;

/// What starts a server.
#[derive(Debug, Clone)]
pub struct Launch {
    /// The program and its arguments.
    pub command: Vec<OsString>,
    /// Variables beside those of this process.
    pub vars: Vec<(OsString, OsString)>,
    /// The working folder, if not that of this process.
    pub folder: Option<PathBuf>,
}

//! What a daemon is asked to move to.

use std::io;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::api::v1::PROGRAM;

/// Another program for this process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Successor {
    pub(super) program: PathBuf,
    /// Without waiting for what is under way.
    pub(super) is_at_once: bool,
}

impl Successor {
    /// That it is an `aim-backend` that starts here: one for another processor, say, would only be known by the end of
    /// this daemon. Waits for it.
    ///
    /// # Errors
    /// Why it is none.
    pub(super) fn check(&self) -> io::Result<()> {
        #[expect(
            clippy::disallowed_methods,
            reason = "asked what it is, and waited for"
        )]
        let mut command = Command::new(&self.program);
        let asked = command.arg("--version").stdin(Stdio::null()).output()?;
        if asked.status.success() && asked.stdout.starts_with(PROGRAM.as_bytes()) {
            Ok(())
        } else {
            Err(io::Error::other(format!("it is not {PROGRAM}")))
        }
    }
}

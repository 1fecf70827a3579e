//! What is left when the child has ended but a process that it started still holds its output.
//!
//! A run is over when the child is. Without us such a grandchild would go on writing to the caller's terminal or
//! pipe; if we simply closed our end, its next write would kill it. So the rest is given to a small `cat`, which
//! copies until the last writer is gone, outlives us and belongs to nobody. What it copies is in no log. The caller,
//! if it waits for the end of the output rather than for ours, waits as long as it would without us.

use std::process::{Command, Stdio};

use rustix::fd::OwnedFd;
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

use super::sink::Sink;

/// Leaves the rest of `source` to a process that copies it to `sink`. Where no such process can be started, `source` is
/// closed.
pub(super) fn leave_behind(source: OwnedFd, sink: &Sink<'_>) {
    let (Ok(flags), Ok(real)) = (fcntl_getfl(&source), sink.real().try_clone_to_owned()) else {
        return;
    };
    if fcntl_setfl(&source, flags - OFlags::NONBLOCK).is_err() {
        return;
    }
    // Not waited for: this process ends soon, and whoever adopts its children waits for them.
    #[expect(
        clippy::disallowed_methods,
        reason = "copies on when this process has ended"
    )]
    let _ = Command::new("/bin/cat")
        .env_clear()
        .current_dir("/")
        .stdin(source)
        .stdout(real)
        .stderr(Stdio::null())
        .spawn();
}

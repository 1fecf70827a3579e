//! How a child ended, and how this process ends the same way.
//!
//! A shell, `make` or an editor looks at the wait status of what it started. It must see pip's, not ours: an exit code
//! is passed on as it is, and a death by a signal is repeated with the same signal.

use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitStatus, exit};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::system;

/// How a child ended.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum ChildStatus {
    /// It left by itself with this exit code, 0 to 255.
    Exited(i32),
    /// It was killed by the signal of this number.
    Signaled(i32),
}

impl From<ExitStatus> for ChildStatus {
    fn from(status: ExitStatus) -> Self {
        match (status.code(), status.signal()) {
            (Some(code), _) => Self::Exited(code),
            (None, Some(signal)) => Self::Signaled(signal),
            // We never ask about stopped or continued children; should one come all the same, its raw value is passed
            // on.
            (None, None) => Self::Exited(status.into_raw() & 0xff),
        }
    }
}

/// Ends this process as the child ended: with the same exit code, or by the same signal.
///
/// For a signal, its default action is restored and it is unblocked first; no core is dumped, so that only the
/// child's own core file exists. Should the signal not kill, the exit code is `128 + signal`, as shells have it.
#[expect(
    clippy::disallowed_methods,
    reason = "ends as the child did, with nothing left to let go of"
)]
pub fn leave(status: ChildStatus) -> ! {
    match status {
        ChildStatus::Exited(code) => exit(code),
        ChildStatus::Signaled(signal) => {
            forbid_core();
            // An error means that the signal has no fatal default here; the exit code below tells of it then.
            let _ = signal_hook::low_level::emulate_default_handler(signal);
            exit(128 + signal)
        }
    }
}

/// Makes sure that this process leaves no core file, neither in the working folder nor with a crash collector.
fn forbid_core() {
    let limit = getrlimit(Resource::Core);
    let _ = setrlimit(
        Resource::Core,
        Rlimit {
            current: Some(0),
            ..limit
        },
    );
    system::forbid_dump();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wait_statuses_are_read() {
        let check = |raw: i32, expected: ChildStatus| {
            assert_eq!(ChildStatus::from(ExitStatus::from_raw(raw)), expected);
        };
        check(0, ChildStatus::Exited(0));
        check(120 << 8, ChildStatus::Exited(120));
        check(255 << 8, ChildStatus::Exited(255));
        check(15, ChildStatus::Signaled(15));
        check(0x8b, ChildStatus::Signaled(11)); // with a core
    }
}

//! The daemon as the first process of a container.
//!
//! The first process of a pid namespace is the parent of whatever loses its own, and has to take its end, or that stays
//! as a zombie; and a signal that it does not catch is nothing to it (`pid_namespaces(7)`). So this one is no daemon:
//! it starts that as a child, takes the ends of all, hands signals on and ends as the daemon does. A daemon that took
//! the ends of all itself would take those that the runtime waits for.

use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, ExitStatus};

use rustix::process::{Pid, Signal, WaitOptions, kill_process, wait};
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::error::{Error, Exit, Explain as _, Result};
use crate::exec::{ChildStatus, leave};
use crate::host::Host;
use crate::words::t;

/// Whether this process is the first one. Where it was given a socket, that is meant for the first one, which then is
/// the daemon itself.
pub(super) fn is_first(host: &Host) -> bool {
    std::process::id() == 1 && host.var("LISTEN_PID").is_none()
}

/// Starts the daemon with the same arguments, and ends as it does.
///
/// # Errors
/// When it cannot be started.
pub(super) fn run(host: &Host) -> Result<Exit> {
    let mut signals = Signals::new([SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM])?;
    let program = host
        .exe()
        .ok_or_else(|| Error::failed(t!("backend.service.no_exe")))?;
    #[expect(
        clippy::disallowed_methods,
        reason = "the daemon of a container begins here"
    )]
    let mut command = Command::new(program);
    command.args(host.args().iter().skip(1));
    let child = command
        .spawn()
        .context(t!("backend.service.no_program", name = program.display()))?;
    let daemon = Pid::from_child(&child);
    for signal in signals.forever() {
        if signal != SIGCHLD {
            if let Some(signal) = Signal::from_named_raw(signal) {
                let _ = kill_process(daemon, signal);
            }
        } else if let Some(status) = end_of(daemon) {
            leave(ChildStatus::from(status));
        }
    }
    Ok(Exit::Failed)
}

/// Takes the ends of whatever has ended; the daemon's, if it is among them.
fn end_of(daemon: Pid) -> Option<ExitStatus> {
    let mut found = None;
    while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
        if pid == daemon {
            found = Some(ExitStatus::from_raw(status.as_raw()));
        }
    }
    found
}

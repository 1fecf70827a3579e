//! Runs one child and copies its output. Start reading at [`run`]; [`Foreground`] is for children whose output is their
//! own.
//!
//! The child keeps our standard input, session, process group, controlling terminal, working folder, limits and
//! inherited descriptors; only its stdout and stderr are replaced, each by something of its own kind (`wiring`,
//! `terminal`). Every byte goes on to where it would have gone (`copy`, `sink`) and then to the caller's `tee`. The run
//! is over when the child is (`leftover`), and [`leave`] ends this process as the child ended (`status`). When this
//! process is killed, the child is killed with it (`sys`): a caller that gives up on pip must not find pip still at
//! work.
//!
//! **Invariant:** knows nothing of pip, logs or sockets.
//!
//! **Invariant:** a failed copy never changes the child's exit status.
//!
//! **Invariant:** no flag, mode or size of a descriptor that the caller gave us is changed.

mod copy;
mod descriptor_kind;
mod foreground;
mod leftover;
mod signals;
mod sink;
mod sockets;
mod status;
mod stream;
mod sys;
mod terminal;
#[cfg(test)]
mod tests;
mod wiring;

use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

pub use self::foreground::Foreground;
use self::signals::Signals;
pub use self::signals::outlive_full_files;
pub use self::sockets::SocketPlaces;
pub use self::status::{ChildStatus, leave};
pub use self::stream::ChildStream;
use self::stream::Tee;
pub use self::sys::{detach, is_ignored, lead_session, limit_descriptors};
pub use self::terminal::open_pair;
use self::wiring::Ends;
pub use self::wiring::Wiring;
use crate::system;

/// A run that is over.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct ChildOutcome {
    /// How the child ended.
    pub status: ChildStatus,
    /// Whether stdout and stderr were one open file.
    pub wiring: Wiring,
    /// The child's process id while it ran.
    pub pid: u32,
    /// From its start to the moment when its last byte was passed on.
    pub duration: Duration,
}

/// Runs `command` to its end and hands every byte of its output to `tee`, after it was written on.
///
/// A descriptor that is no terminal, pipe, socket, file or `/dev/null` is the child's own, uncaptured; one that was
/// closed when this process started is closed for the child too. From here until [`leave`], SIGINT, SIGTERM and the
/// like do not end this process: they are the child's. The error is that of starting the child; `command` can then
/// still be given to [`replace`], which needs no other process and no other descriptors.
pub fn run(
    command: &mut Command,
    tee: &mut dyn FnMut(ChildStream, &[u8]),
) -> io::Result<ChildOutcome> {
    run_on(&Ends::of_process(), command, tee)
}

/// Becomes `command`, which then finds everything as this process found it. Returns only if that fails.
pub fn replace(command: &mut Command) -> io::Error {
    sys::pass_on(command);
    command.exec()
}

/// [`run`] with other descriptors than the process's own in the place of 1 and 2.
fn run_on(ends: &Ends<'_>, command: &mut Command, tee: &mut Tee<'_>) -> io::Result<ChildOutcome> {
    sys::pass_on(command);
    // Whoever kills this process means the child.
    system::end_with_parent(command);
    let mut signals = Signals::listen()?;
    let mut wired = ends.wire();

    let started = Instant::now();
    let child = command.stdout(wired.stdout).stderr(wired.stderr).spawn();
    // Closes our copies of the child's ends: while they are open, no end of its output is seen.
    command.stdout(Stdio::inherit()).stderr(Stdio::inherit());
    let mut child = child?;
    Signals::child_started();

    let status = copy::until_end(&mut child, &mut wired.channels, &mut signals, tee)?;
    let duration = started.elapsed();
    for (source, sink) in wired
        .channels
        .into_iter()
        .filter_map(copy::Channel::into_leftover)
    {
        leftover::leave_behind(source, &sink);
    }
    Ok(ChildOutcome {
        status,
        wiring: wired.wiring,
        pid: child.id(),
        duration,
    })
}

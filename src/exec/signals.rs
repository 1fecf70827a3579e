//! What each signal means while a child runs.
//!
//! The child is in our process group, so what a terminal sends has reached it already: such a signal is survived
//! and not passed on, since a second SIGINT turns pip's clean goodbye into a traceback. What was sent to this
//! process alone is passed on. Signals that the caller had us ignore stay ignored, here and in the child.
//!
//! **Invariant:** the child gets no handler and no mask of ours; exec resets the one, and the other is not touched
//! before it was started.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use libc::{SIGXFSZ, c_int};
use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{
    SIGALRM, SIGCHLD, SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGUSR1, SIGUSR2,
    SIGWINCH,
};
use signal_hook::iterator::backend::SignalDelivery;
use signal_hook::iterator::exfiltrator::WithRawSiginfo;

use super::sys;
use crate::system;

/// How long a SIGINT or SIGQUIT that another process sent is held back before the child gets it too.
///
/// Such a signal was sent either to this process alone (`kill -INT PID`, `Popen.send_signal`) or to the whole group
/// (`kill -INT -PGRP`, `timeout -s INT`, a notebook's interrupt), and the kernel does not say which. In the second
/// case the child has it already, and the sign of that is that it ends: pip takes a few milliseconds. A child that
/// still runs after this time has shown no such sign.
const HOLD: Duration = Duration::from_millis(500);

/// What to do about a signal that arrived.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) enum SignalMeaning {
    /// Nothing: the child has it already, or being woken was all.
    Nothing,
    /// The child gets it now.
    Forward,
    /// The child gets it unless it ends within [`HOLD`].
    Hold,
    /// The real terminal may have another size.
    Resize,
    /// As `Resize`, and the child gets it.
    Resume,
    /// This process stops; the child has been told.
    Stop,
    /// The child gets it, and this process stops, too.
    StopBoth,
}

/// The signals of this process, from [`Signals::listen`] on.
///
/// After a run they go on being caught, so that a late Ctrl-C does not tear what is written about it;
/// [`leave`](super::leave) restores what it needs.
pub(super) struct Signals {
    delivery: SignalDelivery<UnixStream, WithRawSiginfo>,
    held: Vec<(c_int, Instant)>,
}

/// From here on a file at its size limit (setrlimit(2)) fails a write and does not end this process. The children's
/// action stays as it is: exec resets a handler, and where the caller ignores the signal nothing is done.
pub fn outlive_full_files() {
    if !sys::is_ignored(SIGXFSZ) {
        // Where it cannot be caught, a write at the limit ends this process, as it would anyway.
        let _ = signal_hook::flag::register(SIGXFSZ, Arc::default());
    }
}

/// What the signals that arrived ask of the copy loop.
#[derive(Copy, Clone, Default, PartialEq, Eq, Debug)]
pub(super) struct Wishes {
    /// Look at the window sizes again.
    pub(super) resize: bool,
    /// Somebody wants the run to end: the signal that says so.
    pub(super) end: Option<c_int>,
}

impl Signals {
    /// Starts to catch what a child's run is concerned with.
    pub(super) fn listen() -> io::Result<Self> {
        let wanted = [
            SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGWINCH, SIGTSTP,
            SIGCONT, SIGXFSZ,
        ];
        let wanted = wanted
            .into_iter()
            .filter(|&signal| !sys::is_ignored(signal));
        let wanted = wanted.chain([SIGCHLD]); // needed in any case
        let (read, write) = UnixStream::pair()?;
        Ok(Self {
            delivery: SignalDelivery::with_pipe(read, write, WithRawSiginfo, wanted)?,
            held: Vec::new(),
        })
    }

    /// To be called after the child has been started, because the child inherits our signal mask. SIGCHLD must reach
    /// us.
    pub(super) fn child_started() {
        sys::unblock(SIGCHLD);
    }

    /// Readable when a signal arrived.
    pub(super) fn bell(&self) -> BorrowedFd<'_> {
        self.delivery.get_read().as_fd()
    }

    /// When a held signal falls due, if one is held.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.held.iter().map(|&(_, due)| due).min()
    }

    /// Answers the signals that arrived and the held ones that fell due; `children` are those that have not ended.
    pub(super) fn answer(&mut self, children: &[Pid]) -> Wishes {
        let mut wishes = Wishes::default();
        for info in self.delivery.pending() {
            let signal = info.si_signo;
            if matches!(signal, SIGTERM | SIGHUP | SIGINT | SIGQUIT | SIGALRM) {
                wishes.end = Some(signal);
            }
            match meaning(signal, system::is_sent_by_process(&info)) {
                SignalMeaning::Nothing => {}
                SignalMeaning::Forward => send(children, signal),
                SignalMeaning::Hold if self.held.iter().any(|&(held, _)| held == signal) => {}
                SignalMeaning::Hold => self.held.push((signal, Instant::now() + HOLD)),
                SignalMeaning::Resize => wishes.resize = true,
                SignalMeaning::Resume => {
                    wishes.resize = true;
                    send(children, signal);
                }
                SignalMeaning::Stop => sys::stop(signal),
                SignalMeaning::StopBoth => {
                    send(children, signal);
                    sys::stop(signal);
                }
            }
        }
        self.held.retain(|&(signal, due)| {
            let wait = due > Instant::now();
            if !wait {
                send(children, signal);
            }
            wait
        });
        wishes
    }
}

/// What `signal` means, by whether a process sent it (otherwise the kernel did: a terminal, a timer).
fn meaning(signal: c_int, sent_by_process: bool) -> SignalMeaning {
    match signal {
        // Python turns these into exceptions, so a second one does harm.
        SIGINT | SIGQUIT if sent_by_process => SignalMeaning::Hold,
        // These kill by default, so a second one changes nothing. The kernel's own are passed on as well: SIGALRM is of
        // a timer that was set before this program was started and that a child does not inherit; SIGHUP goes first to
        // the leader of the session alone, which may be this process.
        SIGTERM | SIGHUP | SIGUSR1 | SIGUSR2 | SIGALRM => SignalMeaning::Forward,
        SIGWINCH => SignalMeaning::Resize,
        // A process may have sent it to the whole group, so the child may get it twice. That does no harm: SIGCONT
        // discards a stop that is still pending.
        SIGTSTP if sent_by_process => SignalMeaning::StopBoth,
        SIGTSTP => SignalMeaning::Stop,
        // Continuing a child that runs is nothing.
        SIGCONT => SignalMeaning::Resume,
        _ => SignalMeaning::Nothing,
    }
}

pub(super) fn send(children: &[Pid], signal: c_int) {
    if let Some(signal) = Signal::from_named_raw(signal) {
        for child in children {
            // It may have ended just now, not yet waited for; then there is nobody to tell.
            let _ = kill_process(*child, signal);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meaning_of_each_signal() {
        let check = |signal, sent_by_process, expected| {
            assert_eq!(
                meaning(signal, sent_by_process),
                expected,
                "signal {signal}"
            );
        };
        check(SIGINT, false, SignalMeaning::Nothing);
        check(SIGINT, true, SignalMeaning::Hold);
        check(SIGQUIT, false, SignalMeaning::Nothing);
        check(SIGQUIT, true, SignalMeaning::Hold);
        check(SIGTERM, true, SignalMeaning::Forward);
        check(SIGHUP, false, SignalMeaning::Forward);
        check(SIGALRM, false, SignalMeaning::Forward);
        check(SIGUSR1, true, SignalMeaning::Forward);
        check(SIGWINCH, false, SignalMeaning::Resize);
        check(SIGCONT, true, SignalMeaning::Resume);
        check(SIGTSTP, false, SignalMeaning::Stop);
        check(SIGTSTP, true, SignalMeaning::StopBoth);
        check(SIGCHLD, false, SignalMeaning::Nothing);
        check(libc::SIGXFSZ, false, SignalMeaning::Nothing);
    }
}

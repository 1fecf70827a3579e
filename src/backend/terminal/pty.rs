//! A shell on a terminal of its own: what it prints, what is typed, its end.
//!
//! **Invariant:** the master is closed once, with the [`Pty`]; the kernel then hangs up what is left on the terminal.

use std::io;
use std::os::fd::OwnedFd;
use std::process::{ExitStatus, Stdio};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use rustix::termios::{
    InputModes, OptionalActions, Winsize, tcgetattr, tcgetpgrp, tcsetattr, tcsetwinsize,
};
use tokio::io::unix::AsyncFd;
use tokio::process::Command;

use super::drawing::Size;
use super::input::Input;
use super::leader::Leader;
use super::output::Output;
use super::shell::Shell;
use crate::backend::descriptors;
use crate::exec;
use crate::system;

/// Bytes that one reading takes at most, and how long it may go on: then others have their turn.
const TURN: (usize, Duration) = (64 << 10, Duration::from_micros(300));

/// A shell on its terminal.
#[derive(Debug)]
pub(super) struct Pty {
    master: AsyncFd<OwnedFd>,
    child: Leader,
    /// The shell's process; its session and its group have the same number.
    leader: Pid,
    /// Nothing more can be read.
    is_over: bool,
}

impl Pty {
    /// Starts `shell`.
    pub(super) fn start(shell: &Shell, size: Size) -> io::Result<Self> {
        let (master, slave) = exec::open_pair()?;
        let mut modes = tcgetattr(&slave)?;
        // So that a backspace takes a character and not a byte of one.
        modes.input_modes |= InputModes::IUTF8;
        tcsetattr(&slave, OptionalActions::Now, &modes)?;
        resize(&master, size)?;
        fcntl_setfl(&master, fcntl_getfl(&master)? | OFlags::NONBLOCK)?;
        #[expect(clippy::disallowed_methods, reason = "every shell begins here")]
        let mut command = Command::new(&shell.program);
        command
            .args(&shell.args)
            .current_dir(&shell.folder)
            .env_clear()
            .envs(shell.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::from(slave.try_clone()?))
            .stdout(Stdio::from(slave.try_clone()?))
            .stderr(Stdio::from(slave));
        exec::lead_session(command.as_std_mut());
        if let Some(limit) = descriptors::given() {
            exec::limit_descriptors(command.as_std_mut(), limit);
        }
        let child = command.spawn()?;
        // The command has the slave open until it is dropped.
        drop(command);
        let leader = child
            .id()
            .and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
        Ok(Self {
            master: watched(master)?,
            child: Leader::Started(child),
            leader: leader.ok_or_else(|| io::Error::other("a started shell has no id"))?,
            is_over: false,
        })
    }

    /// The terminal of the shell `leader`, which this process has started before it was this program.
    pub(super) fn take_up(master: OwnedFd, leader: Pid) -> io::Result<Self> {
        Ok(Self {
            master: watched(master)?,
            child: Leader::taken_over(leader)?,
            leader,
            is_over: false,
        })
    }

    /// Lets go of the terminal without closing it.
    pub(super) fn into_master(self) -> OwnedFd {
        self.master.into_inner()
    }

    /// The shell's process.
    pub(super) fn pid(&self) -> u32 {
        self.leader.as_raw_nonzero().get().unsigned_abs()
    }

    /// The group of processes that has the terminal: the command that runs, or the shell.
    pub(super) fn foreground(&self) -> Option<Pid> {
        tcgetpgrp(&self.master).ok()
    }

    /// Gives the terminal another size.
    pub(super) fn resize(&self, size: Size) {
        // Without its terminal there is nothing to be sized.
        let _ = resize(self.master.get_ref(), size);
    }

    /// Reads what there is, for a turn. Ready when something was read: there may be more.
    pub(super) fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
        output: &mut Output,
    ) -> Poll<()> {
        if self.is_over {
            return Poll::Pending;
        }
        let begun = Instant::now();
        let mut count = 0;
        while count < TURN.0 {
            let mut ready = match self.master.poll_read_ready(context) {
                Poll::Ready(Ok(ready)) => ready,
                Poll::Ready(Err(_)) => {
                    self.is_over = true;
                    break;
                }
                Poll::Pending => break,
            };
            match rustix::io::read(self.master.get_ref(), &mut *buffer) {
                Ok(0) => self.is_over = true,
                Ok(read) => {
                    output.push(&buffer[..read]);
                    count += read;
                }
                Err(Errno::AGAIN) => {
                    ready.clear_ready();
                    continue;
                }
                Err(Errno::INTR) => continue,
                // Nobody has the terminal open any more (pty(7)).
                Err(_) => self.is_over = true,
            }
            if self.is_over || begun.elapsed() > TURN.1 {
                break;
            }
        }
        if count > 0 {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    /// Whether nothing more can be read.
    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    /// Types what is in `input`, as far as the terminal takes it. Ready when all is typed, or never will be.
    pub(super) fn poll_write(&mut self, context: &mut Context<'_>, input: &mut Input) -> Poll<()> {
        while let Some(bytes) = input.next() {
            let Ok(mut guard) = ready!(self.master.poll_write_ready(context)) else {
                input.clear();
                break;
            };
            match rustix::io::write(self.master.get_ref(), bytes) {
                Ok(written) => input.typed(written),
                Err(Errno::AGAIN) => guard.clear_ready(),
                Err(Errno::INTR) => {}
                Err(_) => input.clear(),
            }
        }
        Poll::Ready(())
    }

    /// Ready when the shell has ended.
    pub(super) fn poll_exit(&mut self, context: &mut Context<'_>) -> Poll<io::Result<ExitStatus>> {
        self.child.poll_exit(context)
    }

    /// Tells the shell and what runs on its terminal that it is hung up.
    pub(super) fn hang_up(&mut self) {
        self.tell(Signal::HUP);
        // What is stopped cannot end.
        self.tell(Signal::CONT);
    }

    /// Kills whatever belongs to the session still.
    pub(super) fn kill(&mut self) {
        self.tell(Signal::KILL);
        let session = Some(u64::from(self.pid()));
        for process in system::processes() {
            let number = u64::from(process.as_raw_nonzero().get().unsigned_abs());
            if system::session_of(number) == session {
                let _ = kill_process(process, Signal::KILL);
            }
        }
    }

    fn tell(&self, signal: Signal) {
        // Once it has been waited for, its number may be another's.
        if self.child.has_ended() {
            return;
        }
        let foreground = self.foreground().filter(|group| *group != self.leader);
        for group in foreground.into_iter().chain([self.leader]) {
            let _ = kill_process_group(group, signal);
        }
    }
}

#[expect(unsafe_code, reason = "there is no other way that is not deprecated")]
fn watched(master: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: the descriptor is owned by what is registered, and closed by nobody else.
    Ok(unsafe { AsyncFd::register(master) }?)
}

fn resize(master: &OwnedFd, size: Size) -> io::Result<()> {
    let size = Winsize {
        ws_row: size.rows,
        ws_col: size.cols,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    Ok(tcsetwinsize(master, size)?)
}

//! The capture terminal: what the child gets in place of a terminal on stdout or stderr.
//!
//! It is a pty whose slave looks like the real terminal (a terminal, of the same size and speed) but does nothing
//! to the bytes, since the real one will: in raw mode a newline stays a newline. It is nobody's controlling
//! terminal, so that Ctrl-C, Ctrl-Z and password prompts go on using the real one.

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{Mode, OFlags};
use rustix::io::{FdFlags, fcntl_setfd};
use rustix::pty::{grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcgetwinsize, tcsetattr, tcsetwinsize};

use crate::system;

/// The two ends of a capture terminal.
pub(super) struct CaptureTerminal {
    /// Ours, to read from. Blocking as yet.
    pub(super) master: OwnedFd,
    /// The child's.
    pub(super) slave: OwnedFd,
}

impl CaptureTerminal {
    /// Opens one that is like `real`.
    pub(super) fn like(real: BorrowedFd<'_>) -> rustix::io::Result<Self> {
        let (master, slave) = open_pair()?;
        let mut modes = tcgetattr(real)?;
        modes.make_raw();
        tcsetattr(&slave, OptionalActions::Now, &modes)?;
        copy_size(real, slave.as_fd());
        Ok(Self { master, slave })
    }
}

/// Opens a pty: its master, which is ours, and its slave, which is a program's. Nobody's controlling terminal as yet.
pub fn open_pair() -> rustix::io::Result<(OwnedFd, OwnedFd)> {
    let master = openpt(system::MASTER_FLAGS)?;
    fcntl_setfd(&master, FdFlags::CLOEXEC)?;
    grantpt(&master)?;
    unlockpt(&master)?;
    let slave = open_slave(&master)?;
    Ok((master, slave))
}

/// Gives `capture` (either end) the window size of `real`. Says whether that was a change.
pub(super) fn copy_size(real: BorrowedFd<'_>, capture: BorrowedFd<'_>) -> bool {
    let (Ok(new), Ok(old)) = (tcgetwinsize(real), tcgetwinsize(capture)) else {
        return false;
    };
    let same = (new.ws_row, new.ws_col, new.ws_xpixel, new.ws_ypixel)
        == (old.ws_row, old.ws_col, old.ws_xpixel, old.ws_ypixel);
    !same && tcsetwinsize(capture, new).is_ok()
}

/// Opens the slave without making it anybody's controlling terminal.
pub(super) fn open_slave(master: &OwnedFd) -> rustix::io::Result<OwnedFd> {
    if let Some(slave) = system::open_slave(master) {
        return Ok(slave);
    }
    let name = ptsname(master, Vec::new())?;
    rustix::fs::open(
        name,
        OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC,
        Mode::empty(),
    )
}

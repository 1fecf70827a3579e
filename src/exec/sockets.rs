//! Listening sockets that are made once and handed on to one program after the other, as systemd hands them to a
//! service (`sd_listen_fds(3)`): they are descriptors 3 and on, `LISTEN_FDS` says how many, `LISTEN_PID` for whom.
//!
//! While no program accepts, whoever connects waits in the socket's queue, and is refused by nobody.

use std::ffi::{CString, OsStr, OsString};
use std::io;
use std::os::fd::{AsFd as _, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt as _;
use std::process::Command;

use super::sys::{self, Image};
use crate::system;

/// The first of the descriptors (`SD_LISTEN_FDS_START`).
const FIRST: RawFd = 3;

/// What a program may take for its own that was said to another one.
const VARIABLES: [&str; 3] = ["LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"];

/// Sockets at the numbers where programs look for them.
#[derive(Debug, Default)]
pub struct HandedSockets {
    held: Vec<OwnedFd>,
    names: Vec<String>,
}

impl HandedSockets {
    /// Takes `sockets`, each with a name, to their numbers. To be done before anything is opened that is to stay: what
    /// has these numbers then was inherited, and goes.
    ///
    /// # Errors
    /// What the system says.
    pub fn place(sockets: Vec<(OwnedFd, String)>) -> io::Result<Self> {
        let mut placed = Self::default();
        let above = FIRST + RawFd::try_from(sockets.len()).unwrap_or(RawFd::MAX - FIRST);
        let mut lifted = Vec::new();
        for (socket, name) in sockets {
            lifted.push(rustix::io::fcntl_dupfd_cloexec(&socket, above)?);
            placed.names.push(name);
        }
        for (socket, number) in lifted.into_iter().zip(FIRST..) {
            placed.held.push(sys::renumber(socket, number)?);
        }
        Ok(placed)
    }

    /// Whether there are any.
    pub fn are_there(&self) -> bool {
        !self.held.is_empty()
    }

    /// Whether the process `pid`, or one that it has started, waits for connections at each. Never where the system
    /// does not tell.
    pub fn are_watched_by(&self, pid: u32) -> bool {
        let is_watched = |socket: &OwnedFd| system::is_watched_below(pid, socket.as_fd());
        self.held.iter().all(is_watched)
    }

    /// Makes `command` start its program, whose path is absolute, with the sockets, and with `variables` alone.
    ///
    /// # Errors
    /// That a word has a NUL in it.
    pub fn hand_to(
        &self,
        command: &mut Command,
        variables: impl Iterator<Item = (OsString, OsString)>,
    ) -> io::Result<()> {
        if self.held.is_empty() {
            return Ok(());
        }
        let ours = [
            ("LISTEN_FDS", self.held.len().to_string()),
            ("LISTEN_FDNAMES", self.names.join(":")),
        ];
        let ours = ours.map(|(name, value)| (OsString::from(name), OsString::from(value)));
        let theirs = variables.filter(|(name, _)| VARIABLES.iter().all(|ours| name != ours));
        let variable = |(mut name, value): (OsString, OsString)| {
            name.push("=");
            name.push(value);
            text(&name)
        };
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        let image = Image {
            program: text(command.get_program())?,
            words: words.map(text).collect::<io::Result<_>>()?,
            variables: theirs
                .chain(ours)
                .map(variable)
                .collect::<io::Result<_>>()?,
            own_number: "LISTEN_PID=",
            open: (FIRST..).take(self.held.len()).collect(),
        };
        sys::become_image(command, image);
        Ok(())
    }
}

fn text(word: &OsStr) -> io::Result<CString> {
    Ok(CString::new(word.as_bytes())?)
}

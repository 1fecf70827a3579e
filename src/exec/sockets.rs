//! Listening sockets that are handed on to one program after the other, as systemd hands them to a service
//! (`sd_listen_fds(3)`): they are descriptors 3 and on, `LISTEN_FDS` says how many, `LISTEN_PID` for whom.

use std::ffi::{CString, OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt as _;
use std::process::Command;

use super::sys::{self, Image};

/// The first of the descriptors (`SD_LISTEN_FDS_START`).
const FIRST: RawFd = 3;

/// What a program may take for its own that was said to another one.
const VARIABLES: [&str; 3] = ["LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"];

/// The numbers at which programs look for sockets, kept free: so no descriptor of ours lies there.
#[derive(Debug)]
pub struct SocketPlaces(Vec<OwnedFd>);

impl SocketPlaces {
    /// Keeps `count` numbers. To be done before anything is opened that is to stay: what has these numbers then was
    /// inherited, and goes.
    ///
    /// # Errors
    /// What the system says.
    pub fn keep(count: usize) -> io::Result<Self> {
        let above = FIRST + RawFd::try_from(count).unwrap_or(RawFd::MAX - FIRST);
        let numbers = FIRST..above;
        let nothing = File::open("/dev/null")?;
        let lift = |_| rustix::io::fcntl_dupfd_cloexec(&nothing, above);
        let lifted = numbers.clone().map(lift).collect::<Result<Vec<_>, _>>()?;
        // It may have one of these numbers itself.
        drop(nothing);
        let places = lifted.into_iter().zip(numbers);
        let places = places.map(|(lifted, number)| sys::renumber(lifted, number));
        Ok(Self(places.collect::<io::Result<_>>()?))
    }

    /// Makes `command` start its program, whose path is absolute, with `sockets` at these numbers, each with its name,
    /// and with `variables` alone.
    ///
    /// # Errors
    /// That a word has a NUL in it.
    pub fn hand_to(
        &self,
        command: &mut Command,
        sockets: &[(BorrowedFd<'_>, &str)],
        variables: impl Iterator<Item = (OsString, OsString)>,
    ) -> io::Result<()> {
        if sockets.is_empty() {
            return Ok(());
        }
        let names: Vec<&str> = sockets.iter().map(|(_, name)| *name).collect();
        let ours = [
            ("LISTEN_FDS", sockets.len().to_string()),
            ("LISTEN_FDNAMES", names.join(":")),
        ];
        let ours = ours.map(|(name, value)| (OsString::from(name), OsString::from(value)));
        let theirs = variables.filter(|(name, _)| VARIABLES.iter().all(|ours| name != ours));
        let variable = |(mut name, value): (OsString, OsString)| {
            name.push("=");
            name.push(value);
            text(&name)
        };
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        let places = self.0.iter().map(OwnedFd::as_raw_fd);
        let sockets = sockets.iter().map(|(socket, _)| socket.as_raw_fd());
        let image = Image {
            program: text(command.get_program())?,
            words: words.map(text).collect::<io::Result<_>>()?,
            variables: theirs
                .chain(ours)
                .map(variable)
                .collect::<io::Result<_>>()?,
            own_number: "LISTEN_PID=",
            open: sockets.zip(places).collect(),
        };
        sys::become_image(command, image);
        Ok(())
    }
}

fn text(word: &OsStr) -> io::Result<CString> {
    Ok(CString::new(word.as_bytes())?)
}

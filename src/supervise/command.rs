//! The command as it is started: where its program is, and what it is given.

use std::ffi::OsString;
use std::io;
use std::os::fd::BorrowedFd;
use std::path::PathBuf;
use std::process::Command;

use super::loaded::LoadedList;
use super::order::Order;
use crate::exec::{Foreground, SocketPlaces};
use crate::host::Host;
use crate::project::{Venv, put_first_on_python_path};

/// How a command is started, again and again.
pub(super) struct Launch<'a> {
    pub(super) order: &'a Order,
    pub(super) venv: &'a Venv,
    pub(super) host: &'a Host,
    pub(super) places: &'a SocketPlaces,
}

impl Launch<'_> {
    /// The command, ready to be started with `sockets`, and to write what it loads into `list`. Its program is looked
    /// for anew each time: an installer may have moved it.
    ///
    /// # Errors
    /// `NotFound` where there is no such program.
    pub(super) fn command(
        &self,
        sockets: &[(BorrowedFd<'_>, &str)],
        list: Option<&LoadedList>,
    ) -> io::Result<Command> {
        let mut variables = self.venv.variables_of(self.host);
        if let Some(list) = list {
            put_first_on_python_path(&mut variables, list.folder());
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "the one door of supervised commands"
        )]
        let mut command = Command::new(self.program(&variables)?);
        command
            .args(self.order.words.iter().skip(1))
            .env_clear()
            .envs(variables.iter().cloned());
        Foreground::prepare(&mut command);
        self.places
            .hand_to(&mut command, sockets, variables.into_iter())?;
        Ok(command)
    }

    fn program(&self, variables: &[(OsString, OsString)]) -> io::Result<PathBuf> {
        let path = variables.iter().find(|(name, _)| name == "PATH");
        let path = path.map(|(_, path)| path);
        let named = self
            .order
            .words
            .first()
            .ok_or(io::ErrorKind::InvalidInput)?;
        let folder = self.host.absolute("");
        which::which_in(named, path, folder).map_err(|_| {
            let words = named.to_string_lossy().into_owned();
            io::Error::new(io::ErrorKind::NotFound, words)
        })
    }
}
